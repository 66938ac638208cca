"""`smgen show`: a network as its author should see it before training it. Facts first, then their layout."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from math import prod
from typing import Any

import sympy as sp
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from smgen.build import Options
from smgen.constants import readable
from smgen.cost import cost, savings
from smgen.derivatives import differentiate
from smgen.exactness import verdict
from smgen.hessians import MODES, lower, quality, scheme
from smgen.network import Network
from smgen.nodes import Pointwise
from smgen.passes import pipelines, run
from smgen.printers.text import schedule_text


def facts(network: Network, options: Options) -> dict[str, Any]:
    """Everything `show` knows, as JSON can hold it."""
    found = verdict(network)
    schedules = lower(network, options.method)
    return {
        "description_sha256": network.fingerprint,
        "dtype": options.dtype,
        "hessian": options.method.hessian,
        "batch_size": options.batch_size,
        "exact": found.exact,
        "reason": found.reason,
        "vertices": [
            {"name": v.name, "kind": v.op.kind, "inputs": list(v.inputs), "units": v.units, "origin": v.origin}
            for v in network.vertices
        ],
        "energy": dict(network.energies),
        "parameters": {key: list(shape) for key, shape in network.parameters.items()},
        "parameter_count": sum(prod(shape) for shape in network.parameters.values()),
        "nonlinearities": {
            v.name: dict(
                zip(("f", "f1", "f2", "f3"), map(str, map(readable, differentiate(v.op.expr).derivatives)), strict=True)
            )
            for v in network.vertices
            if isinstance(v.op, Pointwise)
        },
        "savings": savings(((s, run(s, pipelines.numpy(options.batch_size))) for s in schedules), options.batch_size),
        "modes": {mode: _mode(network, options, mode) for mode in MODES},
        "costs": {schedule.name: asdict(cost(schedule, options.dtype, options.batch_size)) for schedule in schedules},
    }


def as_json(network: Network, options: Options) -> str:
    """The facts as JSON."""
    return json.dumps(facts(network, options), indent=2, ensure_ascii=False)


def as_schedules(network: Network, options: Options) -> str:
    """Every function's schedule as text, before any pass."""
    return "\n".join(schedule_text(schedule) for schedule in lower(network, options.method))


def as_tables(network: Network, options: Options) -> Group:
    """The facts as tables for a terminal."""
    found = facts(network, options)
    colour = "green" if found["exact"] else "yellow"
    heading = Text.assemble(
        ("The diagonal recursion is ", ""),
        ("exact" if found["exact"] else "inexact", f"bold {colour}"),
        f": {found['reason']}.",
    )
    tables = _layers(network), _derivatives(network), _costs(found), _modes(found)
    return Group(heading, *tables, Text(found["savings"]))


def _mode(network: Network, options: Options, mode: str) -> dict[str, Any]:
    """What a step costs in a hessian mode, at λ = 0 and λ > 0, and how the mode goes about it."""
    method = replace(options, hessian=mode).method
    schedules = {s.name: s for s in lower(network, method)}
    steps = {}
    for name in ("loss_and_grad_lam0", "loss_and_grad"):
        if name in schedules:
            figures = asdict(cost(schedules[name], options.dtype, options.batch_size))
            steps[name] = {key: figures[key] for key in (*_STEP, "products")} | {
                "scheme": scheme(network, method, name)
            }
    return {"exact": quality(network, method).exact, "steps": steps}


_STEP = ("product_flops_per_sample", "bytes_per_sample", "memory_per_sample")


def _modes(found: dict[str, Any]) -> Table:
    table = Table(title="A step in each hessian mode, a sample", title_justify="left")
    for column in ("mode", "λ", "product FLOPs", "bytes", "working set", "how"):
        table.add_column(column, justify="right" if column in ("product FLOPs", "bytes", "working set") else "left")
    for mode, facts_of in found["modes"].items():
        for name, step in facts_of["steps"].items():
            figures = (f"{step[key]:,}" for key in _STEP)
            table.add_row(mode, "0" if name.endswith("lam0") else "> 0", *figures, step["scheme"])
    return table


def _layers(network: Network) -> Table:
    table = Table(title="Layers", title_justify="left")
    for column in ("vertex", "operation", "reads", "units", "parameters", "where"):
        table.add_column(column, justify="right" if column == "units" else "left")
    for v in network.vertices:
        own = ", ".join(f"{key} {shape}" for key, shape in network.parameters_of(v).items())
        table.add_row(v.name, v.op.kind, ", ".join(v.inputs), str(v.units), own, v.origin)
    return table


def _derivatives_of(op: Pointwise) -> list[sp.Expr]:
    return [readable(derivative) for derivative in differentiate(op.expr).derivatives]


def _derivatives(network: Network) -> Table:
    table = Table(title="Nonlinearities", title_justify="left", show_lines=True)
    for column in ("vertex", "f", "f′", "f″", "f‴"):
        table.add_column(column)
    for v in network.vertices:
        if isinstance(v.op, Pointwise):
            table.add_row(v.name, *(sp.pretty(d, use_unicode=True) for d in _derivatives_of(v.op)))
    return table


def _costs(found: dict[str, Any]) -> Table:
    title = f"Cost of a sample in {found['dtype']}; {found['parameter_count']:,} parameters"
    table = Table(title=title, title_justify="left")
    table.add_column("function", no_wrap=True)
    columns = (
        ("products", "products"),
        ("product FLOPs", "product_flops_per_sample"),
        ("other FLOPs", "other_flops_per_sample"),
        ("FLOPs a call", "flops_per_call"),
        ("bytes", "bytes_per_sample"),
        ("memory", "memory_per_sample"),
    )
    for title, _ in columns:
        table.add_column(title, justify="right")
    for name, costs in found["costs"].items():
        table.add_row(name.replace("_lam0", ", λ = 0"), *(f"{costs[key]:,}" for _, key in columns))
    return table


def show(console: Console, network: Network, options: Options) -> None:
    """Print the tables."""
    console.print(as_tables(network, options))
