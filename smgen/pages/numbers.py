"""Numbers as a paper prints them: with digits that mean something, a true minus sign, and powers of ten."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from smgen.evaluation.estimate import Estimate

MINUS: Final = "−"
UNKNOWN: Final = "—"
_SUPERSCRIPTS: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number(value: Any, digits: int = 3) -> str:
    """A real number in some significant digits: 0.0123, 12.3, 4.56×10⁷; a dash for None, a word for NaN and ∞."""
    if value is None:
        return UNKNOWN
    value = float(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{MINUS if value < 0 else ''}∞"
    if value == int(value) and abs(value) < 1000:
        return f"{int(value)}".replace("-", MINUS)
    return typeset(f"{value:#.{digits}g}".replace(".e", "e").removesuffix("."))


def typeset(text: str) -> str:
    """The text of numbers, `-1.2e-05 ± 3e-07`, with minus signs and powers of ten."""
    text = re.sub(r"e([+-]\d+)", lambda found: f"×{power_of_ten(int(found[1]))}", text)
    return re.sub(r"(?<![\w)])-(?=[\d.(])", MINUS, text)


def power_of_ten(exponent: int) -> str:
    """10⁻³."""
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def sentence(text: str) -> str:
    """The text with a capital at its beginning and a stop at its end."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def estimate(value: Any, error: Any) -> str:
    """A number with its standard error, whose two digits say how many digits the number has."""
    if value is None:
        return UNKNOWN
    if error is None or not math.isfinite(error) or not math.isfinite(value):
        return number(value, 5)
    return typeset(str(Estimate(float(value), float(error))))


def count(value: Any) -> str:
    """A whole number, 12,345."""
    return UNKNOWN if value is None else f"{value:,}"


def shape(sizes: Any) -> str:
    """The lengths of axes, 64 × 3 × 3; a single number has none."""
    return " × ".join(map(str, sizes)) or "1"


def duration(seconds: Any) -> str:
    """A time as people say it: 0.12 s, 12.3 s, 2 min 5 s, 3 h 12 min."""
    if seconds is None:
        return UNKNOWN
    if seconds < 99.95:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"
