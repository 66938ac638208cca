"""Trains in child processes that are killed at random moments; after each, the latest checkpoint must be readable.

    killed.py FOLDER TIMES

At last the run goes on to its end. Prints the sum of the parameters of that run, and of one that was not interrupted.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import smgen as sm
from smgen.build import Options, build_info, source
from smgen.loader import load_source
from smgen.network import Network
from smgen.training import checkpoints, fit

NETWORK = Network(energy=sm.square(sm.linear(sm.input(40), 80)))
DATA = np.random.default_rng(0).standard_normal((2000, 40)).astype(np.float32)


def main(folder: Path, times: int) -> None:
    info = build_info(NETWORK, Path("net.py"), Options(functions="usual"))
    module = load_source(source(NETWORK, info), "net")
    options: dict[str, Any] = {"steps": 12_000, "batch_size": 20, "evaluations": 1200, "patience": 0}
    chance = random.Random(0)
    latest = -1
    for _ in range(times):
        child = os.fork()
        if not child:
            fit(module, DATA, folder=folder, resume=True, save_every=0.0, **options)
            os._exit(0)
        time.sleep(chance.uniform(0.0, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        names = checkpoints.numbered(folder / "checkpoints")
        found = checkpoints.latest(folder / "checkpoints")
        assert (found is None) == (not names), names
        if found is not None:
            assert found[0] == names[-1], f"{names[-1]} cannot be read"
            step = int(found[0].stem.removeprefix("step-"))
            assert step >= latest, (step, latest)
            latest = step
    print("killed", times, "times, the last time at step", latest)
    for model in (fit(module, DATA, folder=folder, resume=True, **options), fit(module, DATA, **options)):
        print(float(np.sum([np.abs(value).sum(dtype=np.float64) for value in model.params.values()])).hex())
    left = [path.name for path in (folder / "checkpoints").iterdir() if not path.name.startswith("step-")]
    assert not left, left


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
