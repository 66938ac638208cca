"""`ScoreMatching`: an energy network trained by score matching, as a scikit-learn density estimator."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from smgen.errors import BuildError, shortened
from smgen.estimators.held_out import losses
from smgen.estimators.networks import described
from smgen.estimators.packing import packed, unpacked
from smgen.estimators.seeds import seed_of
from smgen.sampling import sample
from smgen.training import fit

Array = npt.NDArray[Any]

_PASSED = (
    "lam", "hessian", "objective", "sigma", "whiten", "held_out", "optimiser", "steps", "batch_size", "rate", "backend",
    "dtype",
)  # fmt: skip
"""Parameters that go to `smgen.fit` under their own names."""

_OPTIONAL = ("hessian", "objective", "backend")
"""Those of them for which None means smgen's own choice."""


class ScoreMatching(DensityMixin, BaseEstimator):
    """The unnormalised density p(x) ∝ exp(−E(x)) of an energy network E, trained by score matching.

    Score matching (Hyvärinen 2005) minimises J = ½ Σ_d δ_d² − Σ_d δ′_d over the samples, δ = ∂E/∂x, and needs no
    normalisation: `score_samples` is the log-density up to a constant, which differs from model to model.

    Parameters
    ----------
    network : path, smgen.Network, generated module, function or None
        The path of a net.py, a network, a module that `smgen build` wrote, a function from the number of features to a
        network, or None for a Gaussian with log-cosh experts around it, `smgen.estimators.networks.default_network`.
    lam, hessian, objective, sigma, whiten, held_out, optimiser, steps, batch_size, rate, backend, dtype
        As in `smgen.fit`; None for its own choice. `lam=None` chooses λ by the loss of samples held out.
    options : dict or None
        More of the options of `smgen.fit` by name: schedule, warmup, clip, average, patience, probes, unit_rows, …
    random_state : int, RandomState or None
        Of the parameters to start from, the order of samples, and noise.

    Attributes
    ----------
    model_ : smgen.Model, the trained model: energy, score, and what `smgen.models.save` writes.
    history_ : list of dict, the evaluations during training: step, seconds, loss, held_out, …
    n_iter_ : steps taken.

    Notes
    -----
    Estimators can be pickled: the generated module is kept as text, and executed when it is read.

    """

    def __init__(
        self,
        network: Any = None,
        *,
        lam: float | None = 0.0,
        hessian: str | None = None,
        objective: str | None = None,
        sigma: float | tuple[float, float] | None = None,
        whiten: str | None = None,
        held_out: float | None = None,
        optimiser: str = "adam",
        steps: int = 5000,
        batch_size: int | None = None,
        rate: float = 0.01,
        backend: str | None = None,
        dtype: str = "float32",
        options: dict[str, Any] | None = None,
        random_state: Any = 0,
    ) -> None:
        self.network = network
        self.lam = lam
        self.hessian = hessian
        self.objective = objective
        self.sigma = sigma
        self.whiten = whiten
        self.held_out = held_out
        self.optimiser = optimiser
        self.steps = steps
        self.batch_size = batch_size
        self.rate = rate
        self.backend = backend
        self.dtype = dtype
        self.options = options
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> ScoreMatching:
        """Train on samples X (N, n_features).

        Raises `SmgenError`, or `ValueError` as scikit-learn does, for wrong arguments; warns with `DataWarning` of
        flaws of the data, such as too few samples or repeated values.
        """
        x = validate_data(self, X, dtype=(np.float64, np.float32), ensure_min_samples=2)
        self.model_ = fit(described(self.network, x.shape[1]), x, **self._fit_options())
        self.history_ = self.model_.record.history
        self.n_iter_ = int(self.model_.record.result["steps"])
        return self

    def _fit_options(self) -> dict[str, Any]:
        """The options of `smgen.fit`. Raises `BuildError` if one is named twice."""
        named = {name: getattr(self, name) for name in _PASSED}
        named = {name: value for name, value in named.items() if value is not None or name not in _OPTIONAL}
        if isinstance(self.network, ModuleType):
            named = {name: value for name, value in named.items() if name not in (*_OPTIONAL, "dtype")}
        named["seed"] = seed_of(self.random_state)
        more = {} if self.options is None else dict(self.options)
        twice = [name for name in more if name in (*_PASSED, "seed")]
        if twice:
            what = f"options: {shortened(twice[0], str)} is a parameter of ScoreMatching"
            hint = "random_state=…" if twice[0] == "seed" else f"{twice[0]}=… beside options"
            raise BuildError(what=what, hint=hint)
        return named | more

    def score_samples(self, X: Any) -> Array:
        """−E(x) of each sample, (N,): log p(x) up to a constant."""
        return np.asarray(-self.model_.energy(self._checked(X)))

    def score(self, X: Any, y: None = None) -> float:
        """−J on X at λ = 0, the mean over samples: the higher, the nearer is the model's score to that of the data.

        J is that of Hyvärinen by the coordinates of X, so that models are comparable whatever network, λ, hessian mode
        or whitening they have; but columns with a small spread count most, so standardise them. It is exact where the
        module's δ′ is, and estimated along random directions elsewhere. Models trained by another `objective` return
        that loss, in their own coordinates and with their own noise: compare those of one `objective`, `sigma` and
        `whiten`.
        """
        x = self._checked(X)
        return -float(losses(self.model_, x).mean())

    def sample(self, n_samples: int = 1, *, random_state: Any = 0, method: str = "hmc", **options: Any) -> Array:
        """Draw samples of the density, (n_samples, n_features), by a Markov chain.

        `method` and `options` (warmup, chains, …) are those of `smgen.sampling.sample`. Issues its warnings where the
        chains have not mixed.
        """
        check_is_fitted(self)
        drawn = sample(self.model_.density(), n_samples, method=method, seed=seed_of(random_state), **options)
        return self.model_.outer(drawn.values)

    def _checked(self, X: Any) -> Array:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, dtype=(np.float64, np.float32), reset=False))

    def __sklearn_clone__(self) -> ScoreMatching:
        """An unfitted copy with the same network: networks are values, and modules cannot be copied."""
        bare = object.__new__(type(self))
        bare.__dict__.update(self.__dict__ | {"network": None})
        twin: ScoreMatching = BaseEstimator.__sklearn_clone__(bare)
        twin.network = self.network
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return packed(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unpacked(state))
