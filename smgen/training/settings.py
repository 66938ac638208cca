"""How a model is trained: every setting, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, isfinite, nan, pi
from numbers import Integral, Real
from typing import Final

from smgen.errors import BuildError, did_you_mean, shortened

OPTIMISERS: Final = ("adam", "lbfgs")
SCHEDULES: Final = ("cosine", "linear", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a fit. Raises `BuildError` for a value out of range.

    optimiser   adam (Kingma and Ba 2015, with the decoupled weight decay of Loshchilov and Hutter 2019) or lbfgs
    (SciPy's,
                on all samples in every step)
    steps       the most steps; of L-BFGS, iterations
    batch_size  samples of a step; by default 512, or all if there are fewer
    rate        the step size of Adam, which falls to 0 by the `schedule` after rising from 0 for `warmup` steps
    decay       each step takes rate · decay off every weight
    clip        the greatest norm of a gradient; longer ones are scaled down to it. 0 for none
    average     β of the exponential moving average of the parameters, which is what is kept. 0 for none, as for lbfgs
    lam         λ; None: chosen by the loss of the samples held out
    sigma       the noise of the denoising loss: a number, or a pair between which log σ is drawn evenly
    unit_rows   names of parameters whose rows are held at unit length
    patience    evaluations clearly worse than the best so far after which training stops; 0 for never
    evaluations how often the samples held out are evaluated, in all
    seed        of parameters, order, noise and probes
    """

    optimiser: str = "adam"
    steps: int = 5000
    batch_size: int | None = None
    rate: float = 0.01
    schedule: str = "cosine"
    warmup: int = 0
    decay: float = 0.0
    clip: float = 0.0
    average: float = 0.999
    lam: float | None = 0.0
    sigma: float | tuple[float, float] | None = None
    unit_rows: tuple[str, ...] = ()
    patience: int = 20
    evaluations: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        for name, least in (("steps", 1), ("warmup", 0), ("patience", 0), ("evaluations", 1), ("seed", 0)):
            object.__setattr__(self, name, _whole(name, getattr(self, name), least))
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", _whole("batch_size", self.batch_size, 1))
        for name in ("rate", "decay", "clip", "average"):
            number = _number(name, getattr(self, name), 0.0, 1.0 if name == "average" else None)
            object.__setattr__(self, name, number)
        if self.rate == 0:
            raise BuildError(what="rate: 0 trains nothing", hint="0.01 to 0.001 is usual")
        if self.average == 1:
            raise BuildError(what="average: 1 keeps the first parameters", hint="0.999 is usual, 0 turns it off")
        names = (self.unit_rows,) if isinstance(self.unit_rows, str) else tuple(self.unit_rows)
        object.__setattr__(self, "unit_rows", names)
        if self.optimiser == "lbfgs":
            object.__setattr__(self, "average", 0.0)
        if self.lam is not None:
            object.__setattr__(self, "lam", _number("lam", self.lam, 0.0, None))
        if self.sigma is not None:
            ends = self.sigma if isinstance(self.sigma, (tuple, list)) else (self.sigma,)
            for end in ends:
                _number("sigma", end, 0.0, None)
            if len(ends) > 2 or ends[0] <= 0 or list(ends) != sorted(ends):
                what = f"sigma: {shortened(self.sigma)} is no noise level, nor a range of them"
                raise BuildError(what=what, hint="a number above 0, or a pair (least, greatest)")
            object.__setattr__(self, "sigma", float(ends[0]) if len(ends) == 1 else (float(ends[0]), float(ends[1])))

    def rate_at(self, step: int) -> float:
        """The step size of a step, counted from 0."""
        rising = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        done = min(1.0, max(0.0, (step - self.warmup) / max(1, self.steps - self.warmup)))
        falling = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + cos(pi * done))}[self.schedule]
        return self.rate * rising * falling

    @property
    def evaluate_every(self) -> int:
        """The number of steps between two evaluations."""
        return -(-self.steps // self.evaluations)


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        guess = did_you_mean(str(value), known)
        raise BuildError(what=f"{name}: {shortened(value)} is unknown{guess}", hint=f"one of {', '.join(known)}")


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise BuildError(what=f"{name}: {shortened(value)} is no whole number of at least {least}")
    return int(value)


def _number(name: str, value: object, least: float, greatest: float | None) -> float:
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    if not isfinite(number) or number < least or (greatest is not None and number > greatest):
        bounds = f"at least {least:g}" if greatest is None else f"from {least:g} to {greatest:g}"
        raise BuildError(what=f"{name}: {shortened(value)} is no number {bounds}")
    return number
