"""`smgen show`: an overview of a network before training, as data and as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from math import prod
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from smgen.analysis.cost import cost
from smgen.build import Options
from smgen.calculus.primitives import MARKS
from smgen.calculus.symbolic import formula
from smgen.equations.text import schedule_text
from smgen.hessians import DIAGONAL, MODES, lower, quality, recursion_for, scheme
from smgen.ir import LAYER_MEANS, STEPS, Schedule, functions_for, steps_of
from smgen.network import Network
from smgen.objectives import DENOISING, Objective
from smgen.report.drawing import drawn
from smgen.report.tables import Table, put, quantity
from smgen.targets.numpy.pipeline import PIPELINE
from smgen.targets.savings import savings


def overview(network: Network, options: Options) -> dict[str, Any]:
    """Everything that `smgen show` prints, in types that JSON has."""
    recursion = recursion_for(network, options.objectives)
    schedules = _schedules(network, options)
    return {
        "description_sha256": network.fingerprint,
        "dtype": options.dtype,
        "hessian": options.method.hessian,
        "batch_size": options.batch_size,
        "exact": recursion.exact and not (recursion.flat and recursion.kinked),
        "flat": recursion.flat,
        "reason": recursion.reason,
        "vertices": [
            {
                "name": v.name,
                "kind": v.layer.kind,
                "inputs": list(v.inputs),
                "shape": list(v.shape),
                "units": v.units,
                "origin": v.origin,
            }
            for v in network.vertices
        ],
        "energy": dict(network.energies),
        "parameters": {key: list(shape) for key, shape in network.parameters.items()},
        "parameter_count": sum(prod(shape) for shape in network.parameters.values()),
        "nonlinearities": {
            name: dict(zip(("f", "f1", "f2", "f3"), map(formula, nonlinearity.derivatives), strict=True))
            for name, nonlinearity in network.nonlinear.items()
        },
        "savings": savings(((s, PIPELINE.lowered(s, options.batch_size)) for s in schedules), options.batch_size),
        "modes": {mode: _mode(network, options, mode) for mode in MODES},
        "objectives": {
            o.name: _objective(network, options, o) for o in dict.fromkeys((*options.objectives, DENOISING))
        },
        "labels": {schedule.name: schedule.function.label for schedule in schedules},
        "costs": {
            schedule.name: asdict(cost(PIPELINE.lowered(schedule, options.batch_size), options.dtype))
            for schedule in schedules
        },
    }


def as_json(network: Network, options: Options) -> str:
    """The overview as JSON."""
    return json.dumps(overview(network, options), indent=2, ensure_ascii=False)


def as_schedules(network: Network, options: Options) -> str:
    """Every function's schedule as text, before any pass."""
    return "\n".join(map(schedule_text, _schedules(network, options)))


def _schedules(network: Network, options: Options) -> tuple[Schedule, ...]:
    """The schedules of the functions that a module with these options has."""
    return lower(network, options.method, functions_for(options.public))


def show(console: Console, network: Network, options: Options) -> None:
    """Print the overview as tables and lines, for a terminal or a file."""
    shown = overview(network, options)
    quality = recursion_for(network, options.objectives)
    word, _, reason = str(quality).partition(": ")
    colour = "green" if quality.exact and not quality.flat else "yellow"
    heading = Text.assemble("The diagonal recursion is ", (word, f"bold {colour}"), f": {reason}.")
    put(console, heading, "", _layers(network), "", _parameters(network), "", *_formulas(network), "", _costs(shown))
    put(console, "", _steps(shown), *_schemes(shown), "", Text(shown["savings"]))


def _mode(network: Network, options: Options, mode: str) -> dict[str, Any]:
    """The costs and the schemes of a step in a hessian mode, at λ = 0 and λ > 0."""
    method = replace(options, hessian=mode).method
    steps = {
        schedule.name: _step(schedule, options) | {"scheme": scheme(network, method, schedule.function)}
        for schedule in lower(network, method, tuple(STEPS.values()))
    }
    return {"exact": quality(network, method).exact, "steps": steps}


def _objective(network: Network, options: Options, objective: Objective) -> list[dict[str, Any]]:
    """The costs of a step of an objective in each hessian mode, or of the one that it has without δ′."""
    rows = []
    for mode in MODES if objective.is_curved else (DIAGONAL.name,):
        method = replace(options, hessian=mode).method
        for schedule in lower(network, method, tuple(steps_of(objective)["step"].by_lam.values())):
            lam = {"zero": "0", "any": "> 0"}[schedule.function.lam] if objective.takes_lam else ""
            named = {"mode": mode if objective.is_curved else "", "lam": lam}
            rows.append(named | _step(schedule, options))
    return rows


def _step(schedule: Schedule, options: Options) -> dict[str, Any]:
    """The figures of a step."""
    figures = asdict(cost(PIPELINE.lowered(schedule, options.batch_size), options.dtype))
    return {key: figures[key] for key in (*_STEP, "products")}


_LAM: Final = {STEPS["zero"].name: "0", STEPS["any"].name: "> 0"}
_STEP: Final = ("product_flops_per_sample", "bytes_per_sample", "memory_per_sample")


def _steps(shown: dict[str, Any]) -> Table:
    """A step of each objective in each mode; the last column compares with Hyvärinen's by the recursion at λ = 0."""
    columns = ("objective", "mode", "λ", "product FLOPs", "bytes", "working set", "× the recursion")
    table = Table("A step of training, a sample", columns, right=columns[3:])
    recursion = shown["modes"][DIAGONAL.name]["steps"][STEPS["zero"].name]["product_flops_per_sample"]
    for name, rows in shown["objectives"].items():
        for row in rows:
            times = f"{row['product_flops_per_sample'] / recursion:.2f}" if recursion else ""
            figures = (quantity(row[key]) for key in _STEP)
            table.add_row(name, row["mode"] or "none", row["lam"], *figures, times)
    return table


def _schemes(shown: dict[str, Any]) -> Iterator[Text]:
    """The scheme of a step in each mode: one line, or two if λ = 0 has another scheme."""
    for mode, entry in shown["modes"].items():
        schemes: dict[str, list[str]] = {}
        for name, step in entry["steps"].items():
            schemes.setdefault(step["scheme"], []).append(_LAM[name])
        for scheme_text, lams in schemes.items():
            when = f", λ {lams[0] if lams[0] != '0' else '= 0'}" if len(schemes) > 1 else ""
            yield Text(f"{mode}{when}: {scheme_text}")


def _layers(network: Network) -> Table:
    """The graph, with what vertices read but parameters that are their own."""
    layers = Table("Layers", ("vertex", "operation", "reads", "units", "where"), right=("units",))
    shown = (*(c for c in network.constants if c.operands or c.layer.fixed is not None), *network.varying)
    vertices = {v.name: v for v in shown}
    for lines, name in drawn({v.name: [p for p in v.operands if p in vertices] for v in shown}):
        if name:
            v = vertices[name]
            read = [p for p in dict.fromkeys(v.operands) if "." not in p]
            layers.add_row(f"{lines} {name}", v.layer.kind, _few(read), " x ".join(map(str, v.shape)), v.origin)
        else:
            layers.add_row(lines, "", "", "", "")
    return layers


def _parameters(network: Network) -> Table:
    total = sum(prod(shape) for shape in network.parameters.values())
    parameters = Table(f"Parameters, {total:,} numbers", ("name and shape", "of"))
    for v in network.varying:
        for key, shape in network.parameters_of(v).items():
            parameters.add_row(f"{key} {shape}", v.name)
    return parameters


def _few(names: Sequence[str]) -> str:
    """All names, or the first three and the number of the others."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _formulas(network: Network) -> Iterator[Text]:
    """f, f′, f″ and f‴ on a line each, once for all vertices with the same nonlinearity; f of several operands."""
    for derivatives, names in network.nonlinearities.items():
        yield Text(f"Nonlinearity of {_few(names)}", style="italic")
        for mark, derivative in zip(MARKS, derivatives, strict=True):
            yield Text(f"  {mark:2} = {formula(derivative)}", no_wrap=True)
    joint = [v for v in network.all_vertices if v.layer.function is not None and v.layer.nonlinearity is None]
    if joint:
        yield Text("Functions of several operands", style="italic")
    for v in joint:
        yield Text(f"  {v.name} = {v.layer.summary(v.operands)}", no_wrap=True)


def _costs(shown: dict[str, Any]) -> Table:
    columns = {
        "products": "products",
        "product": "product_flops_per_sample",
        "other": "other_flops_per_sample",
        "a call": "flops_per_call",
        "bytes": "bytes_per_sample",
        "memory": "memory_per_sample",
    }
    costs = Table(
        f"Cost of a sample in {shown['dtype']}: FLOPs in products, others, once a call; bytes",
        ("function", *columns),
        right=tuple(columns),
    )
    for name, figures in shown["costs"].items():
        if name == LAYER_MEANS.name:  # which runs only where a result is not finite
            continue
        costs.add_row(shown["labels"][name], *(quantity(figures[key]) for key in columns.values()))
    return costs
