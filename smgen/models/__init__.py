"""Trained models, in memory and on disk."""

from __future__ import annotations

from smgen.models.folder import load, load_model, save
from smgen.models.model import Model
from smgen.models.record import Record

__all__ = ["Model", "Record", "load", "load_model", "save"]
