"""The results of `smgen check --data`, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from smgen.report.advice import PROBES, SAMPLES, STEPS, Advice, rows
from smgen.report.tables import Table


def as_tables(advice: Advice, lam: float) -> Iterator[Table | Text]:
    """The recursion against the Hessian, before and after training with each mode, and the recommendation."""
    yield Text(
        f"The recursion on your data, λ = {lam:g}: {STEPS} steps of L-BFGS on at most {SAMPLES} samples, "
        f"NumPy modules, {PROBES} probes; J by the recursion, J, L1 errors of δ′ and its sum",
        style="italic",
    )
    columns = ("recursion's J", "J", "error of δ′", "of trace", "ms a step")
    table = Table("", ("", *columns), right=columns)
    for label, state, seconds in rows(advice):
        table.add_row(
            label,
            f"{state.recursion:.4g}",
            f"{state.exact:.4g}",
            _percent(state.error),
            _percent(state.trace_error),
            "" if seconds is None else f"{1e3 * seconds:.3g}",
        )
    yield table
    yield Text("")
    labels = tuple(label.removesuffix(" training").removeprefix("after ") for label, _, _ in rows(advice))
    title = "L1 error of δ′ by depth, before training and after training with each mode"
    depths = Table(title, ("at", "layers above", *labels), right=("layers above", *labels))
    for position, depth in enumerate(advice.before.depths):
        errors = (_percent(state.depths[position].error) for _, state, _ in rows(advice))
        depths.add_row(depth.vertex, str(depth.above), *errors)
    yield depths
    yield Text("")
    yield recommendation(advice.mode, advice.reason)


def recommendation(mode: str, reason: str) -> Text:
    """The last line: the mode, if any, and why."""
    chosen = (f"--hessian {mode}", "bold green") if mode else ("no mode", "bold yellow")
    return Text.assemble(("Recommended: ", "bold"), chosen, f": {reason}.")


def _percent(ratio: float) -> str:
    """A relative error in per cent. An error of the size of rounding is 0."""
    return "0 %" if ratio <= 1e-7 else f"{100 * ratio:.3g} %"
