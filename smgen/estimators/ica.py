"""`ICA`: complete and overcomplete independent component analysis by score matching."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from smgen.data.transform import Transform, directions, fitted
from smgen.errors import BuildError, shortened
from smgen.estimators import overcomplete, rotation
from smgen.estimators.seeds import seed_of
from smgen.estimators.sources import Sources, derivatives

Array = npt.NDArray[Any]

STEPS: Final = {"complete": 500, "overcomplete": 3000}
"""Steps unless the user says otherwise. L-BFGS takes 15 to 30 on mixtures of sources, some hundreds on photographs."""


class ICA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Independent component analysis by score matching, x = A s + m, on whitened samples z = K (x − m).

    Complete, `n_components` at most the number of features: sources s = W z with a rotation W, each with an energy

        E(s) = α f(s) + δ f′(s) + ½ β s² + γ s

    whose coefficients follow from moments in closed form; W minimises the sum of the sources' losses ½ E[ψ²] − E[ψ′],
    ψ = E′. Peaked (super-Gaussian), flat (sub-Gaussian) and skewed sources are all told from Gaussian ones, without a
    choice of sign: α < 0 comes out for flat ones. Components are sorted by how far from Gaussian they are.

    Overcomplete, more components than features: E(z) = Σ_j α_j f(w_j·z), ‖w_j‖ = 1, α_j > 0, trained by a generated
    module. It supposes super-Gaussian sources. x does not determine the sources; `transform` returns the responses
    w_j·z, which are not estimates of them. Components are sorted by their strength α_j.

    Parameters
    ----------
    n_components : int or None
        The number of components; None for as many as directions in which the samples vary.
    nonlinearity : "logcosh", "pseudo_huber" or "student_t"
        f. "student_t" grows slowest.
    max_iter : int or None
        Steps: of L-BFGS, 500, or, overcomplete, of Adam, 3000.
    tol : float
        Complete: L-BFGS ends when a step would turn no pair of sources by more than so many radians.
    lam, batch_size, backend
        Overcomplete: λ of the regularised loss, samples of a step, and the backend of the module, as in `smgen.fit`.
    random_state : int, RandomState or None
        Of the rotation, or the filters, to start from.

    Attributes
    ----------
    components_ : (n_components, n_features), W K: the rows that responses are computed with.
    mixing_ : (n_features, n_components), the dictionary A = Cov(x, w_j·z) = K⁺ Wᵀ: what a unit of each source adds to
        x. Complete, it is the pseudo-inverse of `components_`. Overcomplete, it is not: in whitened coordinates, a
        filter then estimates its own atom, and is biased by atoms that are not orthogonal to it.
    mean_ : (n_features,), m.
    whitening_ : (D, n_features), K.
    experts_ : α, δ, β, γ of each source, (n_components, 4); overcomplete α, (n_components, 1).
    loss_ : J at λ = 0 of the training samples in whitened coordinates; −D/2 for Gaussian ones.
    n_iter_ : steps taken.

    Notes
    -----
    Score matching: Hyvärinen (2005), with overcomplete ICA as its example. λ: Kingma and LeCun (2010).

    On data that are no mixture of independent sources, such as patches of photographs, other starts end at other
    minima: compare `loss_`. Overcomplete atoms are nearest to the truth where sources are moderately sparse,
    as Laplacian ones are; where most sources are 0, an energy model is not the best estimator of a dictionary.

    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        nonlinearity: str = "logcosh",
        max_iter: int | None = None,
        tol: float = 1e-4,
        lam: float = 0.0,
        batch_size: int | None = None,
        backend: str | None = None,
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.nonlinearity = nonlinearity
        self.max_iter = max_iter
        self.tol = tol
        self.lam = lam
        self.batch_size = batch_size
        self.backend = backend
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> ICA:
        """Learn the components of samples X (N, n_features).

        Raises `BuildError`, or `ValueError` as scikit-learn does, for wrong arguments; warns with `ConvergenceWarning`
        if `max_iter` steps were too few, and, overcomplete, with `DataWarning` of flaws of the data.
        """
        x = validate_data(self, X, dtype=(np.float64, np.float32), ensure_min_samples=2)
        derivatives(self.nonlinearity)
        if not self.tol > 0:
            raise BuildError(what=f"tol: {shortened(self.tol)} is no number above 0", hint="1e-4 is usual")
        directions = _directions(x)
        if not directions:
            raise BuildError(what="the samples do not vary in any direction", hint="are all equal?")
        wanted = directions if self.n_components is None else _whole("n_components", self.n_components)
        if wanted > x.shape[1]:
            self._overcomplete(x, directions, wanted)
            return self
        if wanted > directions:
            what = f"n_components={wanted}: the samples vary in {directions} directions only"
            raise BuildError(what=what, hint=f"n_components={directions}, or None")
        self._complete(x, fitted(x, "pca", wanted))
        return self

    def _complete(self, x: Array, transform: Transform) -> None:
        sources = Sources(np.ascontiguousarray(transform.forward(x, np.float64).T), self.nonlinearity)
        start = rotation.random_rotation(transform.outputs, check_random_state(self.random_state))
        steps = STEPS["complete"] if self.max_iter is None else _whole("max_iter", self.max_iter)
        reached = rotation.minimise(sources, start, steps, self.tol)
        if not reached.converged:
            text = f"the rotation still turned after {steps} steps: raise max_iter, or tol ({self.tol:g})"
            warnings.warn(text, ConvergenceWarning, stacklevel=3)
        order = np.argsort(reached.fitted.loss, kind="stable")
        self._keep(transform, reached.rotation[order], reached.fitted.experts[order])
        self.loss_, self.n_iter_ = float(reached.fitted.loss.sum()), max(1, reached.steps)

    def _overcomplete(self, x: Array, directions: int, wanted: int) -> None:
        steps = STEPS["overcomplete"] if self.max_iter is None else _whole("max_iter", self.max_iter)
        options: dict[str, Any] = {
            "steps": steps,
            "lam": self.lam,
            "batch_size": self.batch_size,
            "seed": seed_of(self.random_state),
        }
        options |= {} if self.backend is None else {"backend": self.backend}
        model = overcomplete.learn(x, directions, wanted, self.nonlinearity, options)
        filters, strengths = overcomplete.parts(model)
        order = np.argsort(-strengths, kind="stable")
        self._keep(model.transform, filters[order], strengths[order, None])
        self.n_iter_ = int(model.record.result["steps"])
        loss = model.needs_module().losses(model.params, model.inner(x), 0.0)
        self.loss_ = float(np.asarray(loss, np.float64).mean())

    def _keep(self, transform: Transform, filters: Array, experts: Array) -> None:
        """The attributes, from filters (n_components, D) on whitened samples."""
        assert transform.matrix is not None
        assert transform.inverse is not None
        mixing = transform.inverse @ filters.T
        # The sign of a component is arbitrary: the greatest entry of its atom is positive. f is even, f′ odd.
        signs = np.sign(mixing[np.abs(mixing).argmax(axis=0), np.arange(mixing.shape[1])])
        self.components_ = signs[:, None] * (filters @ transform.matrix)
        self.mixing_ = mixing * signs
        self.experts_ = experts * (np.where([False, True, False, True], signs[:, None], 1.0)[:, : experts.shape[1]])
        self.mean_, self.whitening_ = transform.mean, transform.matrix

    def transform(self, X: Any) -> Array:
        """The sources (complete), or responses (overcomplete), `components_` (x − m), (N, n_components)."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return np.asarray((x - self.mean_) @ self.components_.T)

    def inverse_transform(self, X: Any) -> Array:
        """The samples with these sources or responses, (N, n_features).

        It is `components_`⁺ s + m, which undoes `transform` (up to what whitening to fewer components left out). Atoms
        times sources, `X @ mixing_.T + mean_`, is the same where the model is complete.
        """
        check_is_fitted(self)
        s = np.asarray(X)
        if s.ndim != 2 or s.shape[1] != len(self.components_):
            raise ValueError(f"X: expected sources of shape (N, {len(self.components_)}), got {s.shape}")
        return np.asarray(s @ np.linalg.pinv(self.components_).T + self.mean_)

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn names the outputs by."""
        return len(self.components_)


def _directions(x: Array) -> int:
    """The number of directions in which the samples vary."""
    centred = x - x.mean(axis=0, dtype=np.float64)
    return directions(centred.T @ centred / len(x))


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise BuildError(what=f"{name}: {shortened(value)} is no whole number of at least 1")
    return int(value)
