"""What `smgen check --data` found, as tables."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smgen.advice import PROBES, SAMPLES, STEPS, Advice, rows


def as_tables(advice: Advice, lam: float) -> Group:
    """The recursion against the Hessian, before and after training with each mode, and the recommendation."""
    title = (
        f"The recursion on your data, λ = {lam:g}: {STEPS} steps of L-BFGS on at most {SAMPLES} samples, "
        f"NumPy modules, {PROBES} probes"
    )
    table = Table(title=title, title_justify="left")
    for column in ("", "J by the recursion", "J", "L1 error of δ′", "error of the trace", "ms a step"):
        table.add_column(column, justify="right" if column else "left")
    for label, state, seconds in rows(advice):
        table.add_row(
            label,
            f"{state.recursion:.4g}",
            f"{state.exact:.4g}",
            _percent(state.error),
            _percent(state.trace_error),
            "" if seconds is None else f"{1e3 * seconds:.3g}",
        )
    depths = Table(title="L1 error of δ′ by depth", title_justify="left")
    depths.add_column("at")
    depths.add_column("linear layers above", justify="right")
    for label, _, _ in rows(advice):
        depths.add_column(label, justify="right")
    for position, depth in enumerate(advice.before.depths):
        found = (_percent(state.depths[position].error) for _, state, _ in rows(advice))
        depths.add_row(depth.vertex, str(depth.above), *found)
    mode = (f"--hessian {advice.mode}", "bold green") if advice.mode else ("no mode", "bold yellow")
    verdict = Text.assemble(("Recommended: ", "bold"), mode, f": {advice.reason}.")
    return Group(table, depths, verdict)


def _percent(ratio: float) -> str:
    """A relative error; what is rounding is 0."""
    return "0 %" if ratio <= 1e-7 else f"{100 * ratio:.3g} %"
