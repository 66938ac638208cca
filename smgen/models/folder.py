"""A model on disk: model.json and net.py to read, params.safetensors, and the module.

Nothing in a folder is run but net.py, and that only if the caller trusts it: the module is generated anew from it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from smgen.build import Options, build_info, source
from smgen.data.transform import Transform
from smgen.errors import BuildError
from smgen.files import write
from smgen.loader import load as load_module
from smgen.loader import load_source
from smgen.models import tensors
from smgen.models.model import Model
from smgen.models.record import Record
from smgen.network import Network
from smgen.network.netfile import load_network

PARAMS: Final = "params.safetensors"
RECORD: Final = "model.json"
NET: Final = "net.py"
_ARRAYS: Final = ("mean", "scale", "matrix", "inverse")


def save(model: Model, folder: Path) -> None:
    """Write a model's folder: each file whole, model.json, which makes it a model, last. Raises `BuildError`."""
    arrays = {f"params.{name}": np.asarray(value) for name, value in model.params.items()}
    present = {name: getattr(model.transform, name) for name in _ARRAYS if getattr(model.transform, name) is not None}
    arrays |= {f"transform.{name}": value for name, value in present.items()}
    tensors.save(folder / PARAMS, {name: np.ascontiguousarray(value) for name, value in arrays.items()})
    if model.source:
        write(folder / NET, model.source)
    if model.code:
        write(folder / f"{model.record.module}.py", model.code)
    facts = {name: value for name, value in asdict(model.transform).items() if name not in _ARRAYS}
    record = replace(model.record, data=model.record.data | {"transform": facts})
    write(folder / RECORD, record.as_json())


def load(path: Path | str, *, trust: bool = False, network: Network | None = None) -> Any:
    """The model in a folder, as `load_model` returns it, or the generated module in a file, imported anew."""
    return load_model(path, trust=trust, network=network) if Path(path).is_dir() else load_module(path)


def load_model(folder: Path | str, *, trust: bool = False, network: Network | None = None) -> Model:
    """The model in a folder. Without `trust` or its network, it has its parameters and facts but no functions.

    With `trust`, its net.py is run, and the module is generated anew from it. Raises `BuildError` if the folder holds
    no model, or if net.py describes another network than the one that was trained.
    """
    folder = Path(folder)
    path = folder / RECORD
    try:
        record = Record.from_json(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise BuildError(
            origin=str(folder), what=f"no {RECORD} in it", hint="`smgen fit` writes model folders"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(origin=str(path), what=f"cannot be read: {error}", hint="is the file whole?") from error
    arrays, _ = tensors.load(folder / PARAMS)
    params = {name.removeprefix("params."): array for name, array in arrays.items() if name.startswith("params.")}
    transform = _transform(
        record, {n.removeprefix("transform."): a for n, a in arrays.items() if n.startswith("transform.")}
    )
    net = folder / NET
    model = Model(
        params=params,
        transform=transform,
        record=record,
        source=net.read_text(encoding="utf-8") if net.is_file() else "",
    )
    if network is None and not trust:
        return model
    if network is None and not net.is_file():
        what = f"no {NET} in it: the network was given as an object"
        raise BuildError(origin=str(folder), what=what, hint="smgen.load(folder, network=…)")
    described = load_network(net) if network is None else network
    if described.fingerprint != record.fingerprint:
        what = "describes another network than the one that was trained"
        raise BuildError(origin=str(net), what=what, hint="restore the net.py of the training, or train anew")
    info = build_info(described, net, Options(**record.build), _name(record))
    code = source(described, info)
    module = load_source(code, info.name)
    _check_params(params, module.PARAMS, folder / PARAMS)
    return replace(model, module=module, network=described, code=code)


def _name(record: Record) -> str | None:
    """The name of the module's functions, where it is a Python name."""
    return record.network if re.fullmatch(r"[^\W\d]\w*", record.network) else None


def _transform(record: Record, arrays: dict[str, Any]) -> Transform:
    try:
        return Transform(**record.data["transform"], **arrays)
    except (KeyError, TypeError) as error:
        what = f"the transform is incomplete: {error}"
        raise BuildError(origin=RECORD, what=what, hint="restore the folder, or train anew") from error


def _check_params(params: dict[str, Any], wanted: dict[str, tuple[int, ...]], path: Path) -> None:
    shapes = {name: value.shape for name, value in params.items()}
    if shapes != {name: tuple(shape) for name, shape in wanted.items()}:
        what = "holds other parameters than the network has"
        raise BuildError(origin=str(path), what=what, hint="restore the folder, or train anew")
