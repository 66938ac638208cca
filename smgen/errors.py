"""Errors and warnings: mistakes in the user's description, and faults of the compiler."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NoReturn

LONGEST: Final = 300
"""The most characters of a user's text that an error repeats."""


class SmgenError(Exception):
    """A mistake the user can mend. Says where (`origin`), what, and what to do next (`hint`)."""

    def __init__(self, *, what: str, origin: str = "", hint: str = "") -> None:
        self.origin, self.what, self.hint = origin, what, hint
        where = f"{origin}: " if origin else ""
        advice = f"\n  hint: {hint}" if hint else ""
        super().__init__(f"{where}{what}{advice}")


class NetworkError(SmgenError):
    """The network description is wrong: names, shapes, connections."""


class UnsupportedNonlinearity(SmgenError):
    """A pointwise expression that cannot be differentiated three times or evaluated."""


class NetfileError(SmgenError):
    """The description file cannot be read, raises, or defines no `network`."""


class BuildError(SmgenError):
    """A module cannot be written or loaded: options, paths, hand-edited files."""


class InternalError(Exception):
    """A fault of the compiler: an invariant of the IR does not hold. Please report it."""


def unreachable(value: NoReturn) -> InternalError:
    """The error of a case that cannot occur: the type checker proves that the cases before it are complete."""
    return InternalError(f"no case for {value!r}")


class SmgenWarning(UserWarning):
    """The base of all warnings of a build."""


class InexactWarning(SmgenWarning):
    """The diagonal recursion is not the diagonal of the Hessian for this network."""


class NumericsWarning(SmgenWarning):
    """A derivative overflows, is NaN, loses accuracy, or has a kink."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'softplus'?)` for a near miss among `known`, else an empty string."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def visible(text: str) -> str:
    """The text with control characters escaped, except line ends: a terminal would obey them."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def shortened(value: object, text_of: Callable[[object], str] = repr) -> str:
    """The repr of a user's object, on one line with at most `LONGEST` characters; its type if repr raises."""
    try:
        text = text_of(value)
        text = visible(" ".join(text[: 20 * LONGEST].split()))
    except Exception:
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 unit`, `3 units`, `2 axes`."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def several(values: Sequence[object], text_of: Callable[[object], str] = repr) -> str:
    """The texts of the objects by `shortened`: at most four, and the number of the others."""
    shown = ", ".join(shortened(value, text_of) for value in values[:4])
    return shown + (f" and {len(values) - 4} more" if len(values) > 4 else "")
