"""The parts of signatures and calls that only modules with random probes have: text for the templates."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeArguments:
    """Text for modules that take probes. For other modules all of it is empty, except that of the self-test."""

    random: str = ", *, rng=None, probes=None"
    random_keywords: str = "rng=None, probes=None, "
    random_passed: str = ", rng, probes"
    probes: str = "probes, "
    no_probes: str = "None, "
    all_probes: str = "all_probes, "
    chunk: str = "None if all_probes is None else all_probes[first:last], "
    address: str = "None if probes is None else probes.ctypes.data, "
    address_type: str = "pointers, "
    declared: str = "const {real} *all_probes, "
    unused: str = "(void)all_probes, "
    handed: str = ".all_probes = all_probes, "
    selftest_arguments: str = '{"probes": draw_probes(16, int(rng.integers(1 << 31)))}'
    selftest_lams: str = "(0.0, 0.1)"


NONE: Final = replace(
    ProbeArguments(),
    **{field.name: "" for field in fields(ProbeArguments)}
    | {"selftest_arguments": "{}", "selftest_lams": ProbeArguments().selftest_lams},
)


def probe_arguments(*, takes_probes: bool, single: bool, real: str) -> ProbeArguments:
    """The text for a module. With a `single` probe there is no λ > 0."""
    if not takes_probes:
        return NONE
    arguments = replace(ProbeArguments(), declared=ProbeArguments().declared.format(real=real))
    return replace(arguments, selftest_lams="(0.0,)") if single else arguments
