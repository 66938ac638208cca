"""The parts of signatures and calls that only modules with random probes or conditions have: text for the templates."""

from __future__ import annotations

from collections.abc import Sequence
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
    given: str = ""
    checked: str = ""
    checked_without_lam: str = ""


NONE: Final = replace(
    ProbeArguments(),
    **{field.name: "" for field in fields(ProbeArguments)}
    | {"selftest_arguments": "{}", "selftest_lams": ProbeArguments().selftest_lams},
)


def probe_arguments(*, takes_probes: bool, single: bool, real: str, conditions: Sequence[str]) -> ProbeArguments:
    """The text for a module with these conditions. With a `single` probe there is no λ > 0."""
    arguments = NONE
    if takes_probes:
        arguments = replace(ProbeArguments(), declared=ProbeArguments().declared.format(real=real))
        arguments = replace(arguments, selftest_lams="(0.0,)") if single else arguments
    return _with_conditions(arguments, ", ".join(conditions)) if conditions else arguments


def _with_conditions(arguments: ProbeArguments, names: str) -> ProbeArguments:
    """The same where every function takes conditions of these names besides, as keywords without a default."""
    probes = arguments.random.removeprefix(", *")
    known = arguments.selftest_arguments.removeprefix("{").removesuffix("}")
    return replace(
        arguments,
        random=f", *, {names}{probes}",
        random_keywords=f"{names}, {arguments.random_keywords}",
        random_passed=f", {names}{arguments.random_passed}",
        selftest_arguments=f"{{{f'{known}, ' if known else ''}**_some_conditions(16, rng)}}",
        given=f", *, {names}",
        checked=f", {names}",
        checked_without_lam=f", 0.0, {names}",
    )
