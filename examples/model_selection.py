"""A density estimator in scikit-learn's tools: a pipeline, and a search over λ by the held-out loss.

pip install '.[sklearn]' && python examples/model_selection.py [--quick]
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer

import smgen as sm


def main() -> None:
    """Search, and look for outliers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few steps, to see that it runs")
    quick = parser.parse_args().quick

    wines = load_wine().data
    # They have two decimals; noise fills the steps.
    wines += np.random.default_rng(0).uniform(-0.005, 0.005, wines.shape)
    estimator = sm.ScoreMatching(steps=50 if quick else 1000, backend="numpy")
    pipeline = make_pipeline(PowerTransformer(), estimator)
    search = GridSearchCV(pipeline, {"scorematching__lam": [0.01, 0.1, 1.0]}, cv=3)
    search.fit(wines)
    for lam, score in zip((0.01, 0.1, 1.0), search.cv_results_["mean_test_score"], strict=True):
        print(f"λ = {lam}: −J, held out, {score:.3f}")
    log_density = search.best_estimator_.score_samples(wines)
    print(f"the least likely wines: {np.argsort(log_density)[:5].tolist()}")


if __name__ == "__main__":
    main()
