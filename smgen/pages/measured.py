"""What was measured on samples of the data."""

from __future__ import annotations

from smgen.pages.blocks import Notes, Section, Table
from smgen.pages.numbers import count, typeset
from smgen.pages.subject import Subject


def section(subject: Subject) -> Section:
    """The section."""
    title, anchor = "Evaluation", "evaluation"
    found = subject.evaluation
    if found is None:
        no_data = "No samples were given to evaluate the model on: `smgen report --data X.npy`."
        why = subject.obstacle or no_data
        return Section(title=title, anchor=anchor, blocks=(Notes((why,)),))
    rows = tuple((what, typeset(value), note) for what, value, note in found.rows())
    table = Table(f"Measured on {count(found.samples)} samples", ("What", "Value", "Note"), rows, numeric=(1,))
    return Section(title=title, anchor=anchor, blocks=(table,))
