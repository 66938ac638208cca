"""Generated modules as text, for pickle: a module is not picklable, but its source makes it again."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from smgen.loader import load_source
from smgen.models import Model

SOURCE: Final = "__source__"
"""The attribute of an unpickled module that has its text."""


@dataclass(frozen=True, slots=True)
class PackedModule:
    """A generated module: its name, and the source that makes it."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class PackedModel:
    """A model without its module, and the module."""

    model: Model
    module: PackedModule


def packed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with modules, and those of models, as text."""
    return {name: _packed(value) for name, value in values.items()}


def unpacked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were packed. Generated source is executed, as pickle executes what it reads."""
    return {name: _unpacked(value) for name, value in values.items()}


def _packed(value: Any) -> Any:
    match value:
        case Model(module=ModuleType() as module):
            return PackedModel(replace(value, module=None), _module(module, value.code))
        case ModuleType():
            return _module(value, "")
        case _:
            return value


def _unpacked(value: Any) -> Any:
    match value:
        case PackedModel(model=model, module=module):
            return replace(model, module=_loaded(module), code=module.code)
        case PackedModule():
            return _loaded(value)
        case _:
            return value


def _loaded(packed_module: PackedModule) -> ModuleType:
    """The module, which remembers its text: it may be pickled again."""
    module = load_source(packed_module.code, packed_module.name)
    setattr(module, SOURCE, packed_module.code)
    return module


def _module(module: ModuleType, code: str) -> PackedModule:
    """The module as text: as it was generated, as it remembers, or from its file."""
    code = code or getattr(module, SOURCE, "")
    if not code:
        try:
            code = Path(str(module.__file__)).read_text(encoding="utf-8")
        except (AttributeError, OSError) as error:
            text = f"{module.__name__}: this generated module has no file to keep; give the network, or load a file"
            raise pickle.PicklingError(text) from error
    return PackedModule(module.__name__, code)
