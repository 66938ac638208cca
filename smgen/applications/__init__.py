"""What is done with a trained model: samples, evaluation, restoration."""

from __future__ import annotations

from smgen.applications.evaluating import Evaluation, evaluate
from smgen.applications.restoring import denoise, inpaint, super_resolve
from smgen.applications.sampling import sample

__all__ = ["Evaluation", "denoise", "evaluate", "inpaint", "sample", "super_resolve"]
