"""The head of a page: what the model is, how δ′ was computed, and the figures that one looks for first."""

from __future__ import annotations

from typing import Any, Final

from smgen.hessians import HUTCHINSON
from smgen.models import Model, Record
from smgen.objectives import chosen_objectives
from smgen.pages.blocks import Fact, Facts, Section
from smgen.pages.numbers import count, duration, estimate, sentence
from smgen.pages.subject import Subject

EXACT, UNBIASED, INEXACT = "exact", "unbiased", "inexact"
WORDS: Final = {
    EXACT: "Exact loss",
    UNBIASED: "Unbiased loss",
    INEXACT: "Inexact loss",
}


def quality(model: Model) -> str:
    """Whether the loss that was minimised is exact, an unbiased estimate, or wrong.

    Without the module the history says it: where the module's losses are wrong, they were compared with true ones.
    """
    record, module = model.record, model.module
    if not is_curved(record):
        return EXACT
    if record.build.get("hessian") == HUTCHINSON.name or hasattr(module, "draw_probes"):
        return UNBIASED
    compared = any(entry.get("own") is not None for entry in record.history)
    return INEXACT if compared or (module is not None and not module.METADATA["exact"]) else EXACT


def is_curved(record: Record) -> bool:
    """Whether the loss has second derivatives."""
    return any(objective.is_curved for objective in chosen_objectives(record.objective))


def reason(record: Record) -> str:
    """Why, in a sentence."""
    if not is_curved(record):
        return f"The {record.objective} loss has no second derivatives, which could be inexact."
    return sentence(record.verdict)


def best_entry(record: Record) -> dict[str, Any] | None:
    """The entry of the history that the parameters are of; None if none was evaluated."""
    best = record.result.get("best_step")
    known = [entry for entry in record.history if entry.get("held_out") is not None and entry.get("step") == best]
    return known[0] if known and record.result.get("held_out") is not None else None


def section(subject: Subject) -> Section:
    """The figures."""
    model, record = subject.model, subject.model.record
    best, result, data = best_entry(record), record.result, record.data
    loss = None if best is None else best["held_out"]
    numbers = sum(int(array.size) for array in model.params.values())
    seconds = result.get("seconds")
    steps = result.get("steps")
    facts = (
        Fact(
            "Held-out loss J",
            estimate(loss, None if best is None else best.get("error")),
            f"{record.objective}, λ = 0" if best else "no samples were held out, or none had a finite loss",
        ),
        Fact("Parameters", count(numbers), f"in {len(model.params)} arrays"),
        Fact("Samples", count(data.get("learned_from")), f"learned from; {count(data.get('held_out'))} held out"),
        Fact("Training", duration(seconds), f"{count(steps)} steps, best at {count(result.get('best_step'))}"),
    )
    return Section(title="At a glance", anchor="summary", blocks=(Facts(facts),))


def stopped(record: Record) -> str:
    """Why training ended, as a sentence."""
    text = str(record.result.get("stopped") or "not recorded").rstrip(".")
    return f"Training ended: {text}."
