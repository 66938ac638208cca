"""The functions of a C header that a text calls, and what these need in turn."""

from __future__ import annotations

import re

from smgen.targets.c.closure import closure

_TITLE = re.compile(r"^/\* ---- (?P<name>\w+)(?: \(needs: (?P<needs>[\w, ]+)\))?.*$", re.MULTILINE)


def sections(header: str, text: str) -> str:
    """The sections of `header` for every `simd_name(` in `text`, with what they need, in the header's order.

    A section begins with a line `/* ---- name (needs: other, …)` and ends at the next such line.
    """
    titles = list(_TITLE.finditer(header))
    ends = [*(title.start() for title in titles), len(header)][1:]
    bodies = {t["name"]: header[t.start() : end].rstrip() for t, end in zip(titles, ends, strict=True)}
    needs = {t["name"]: [n.strip() for n in (t["needs"] or "").split(",") if n.strip()] for t in titles}
    needed = closure(re.findall(r"\bsimd_(\w+)\(", text), needs)
    return "\n\n".join(body for name, body in bodies.items() if name in needed)
