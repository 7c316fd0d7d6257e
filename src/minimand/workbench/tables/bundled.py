"""The data that comes with the workbench: scikit-learn's small sets and seeded generators, all offline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minimand.extras import require

if TYPE_CHECKING:
    from minimand.workbench.tables.table import Table


@dataclass(frozen=True)
class Bundled:
    """One bundled set: what it is, where it comes from, and under which licence."""

    name: str
    title: str
    source: str
    licence: str
    make: Callable[[], tuple[Any, Any, list[str], list[str] | None]]


def _loaded(loader: str) -> Callable[[], tuple[Any, Any, list[str], list[str] | None]]:
    def make() -> tuple[Any, Any, list[str], list[str] | None]:
        bunch = getattr(require("sklearn.datasets", extra="workbench"), loader)()
        # a target of numbers has no names
        classes = [str(label) for label in bunch.target_names] if hasattr(bunch, "target_names") else None
        return bunch.data, bunch.target, [str(name) for name in bunch.feature_names], classes

    return make


def _generated(generator: str, **settings: Any) -> Callable[[], tuple[Any, Any, list[str], list[str] | None]]:
    def make() -> tuple[Any, Any, list[str], list[str] | None]:
        X, y = getattr(require("sklearn.datasets", extra="workbench"), generator)(random_state=0, **settings)
        return X, y, [f"x{number}" for number in range(X.shape[1])], None

    return make


def _noisy_blobs() -> tuple[Any, Any, list[str], list[str] | None]:
    X, y, names, classes = _generated("make_blobs", n_samples=2000, centers=4, n_features=8, cluster_std=4.0)()
    rng = np.random.default_rng(0)
    wrong = rng.permutation(len(y))[: len(y) // 5]
    y = y.copy()
    y[wrong] = (y[wrong] + rng.integers(1, 4, size=len(wrong))) % 4
    return X, y, names, classes


_UCI = "CC BY 4.0"
_OURS = "no rights: generated numbers"
BUNDLED: dict[str, Bundled] = {
    item.name: item
    for item in (
        Bundled("iris", "150 flowers, 3 species", "UCI Iris, by scikit-learn", _UCI, _loaded("load_iris")),
        Bundled("wine", "178 wines, 3 growers", "UCI Wine, by scikit-learn", _UCI, _loaded("load_wine")),
        Bundled(
            "breast-cancer",
            "569 tumours, 2 classes",
            "UCI Breast Cancer Wisconsin (Diagnostic), by scikit-learn",
            _UCI,
            _loaded("load_breast_cancer"),
        ),
        Bundled(
            "digits",
            "1797 images of 8 x 8 grey levels, 10 digits",
            "UCI Optical Recognition of Handwritten Digits (test part), by scikit-learn",
            _UCI,
            _loaded("load_digits"),
        ),
        Bundled(
            "moons",
            "1000 points on two half circles",
            "sklearn.datasets.make_moons, noise 0.3, seed 0",
            _OURS,
            _generated("make_moons", n_samples=1000, noise=0.3),
        ),
        Bundled(
            "circles",
            "1000 points on two circles",
            "sklearn.datasets.make_circles, noise 0.15, seed 0",
            _OURS,
            _generated("make_circles", n_samples=1000, noise=0.15, factor=0.5),
        ),
        Bundled(
            "blobs",
            "1000 points of 5 overlapping Gaussians",
            "sklearn.datasets.make_blobs, seed 0",
            _OURS,
            _generated("make_blobs", n_samples=1000, centers=5, n_features=6, cluster_std=4.0),
        ),
        Bundled(
            "classification",
            "2000 points, 20 features of which 6 inform, 3 classes",
            "sklearn.datasets.make_classification, seed 0",
            _OURS,
            _generated(
                "make_classification",
                n_samples=2000,
                n_features=20,
                n_informative=6,
                n_classes=3,
                flip_y=0.02,
                class_sep=0.8,
            ),
        ),
        Bundled(
            "imbalanced",
            "3000 points, 5 % of them positive",
            "sklearn.datasets.make_classification, seed 0",
            _OURS,
            _generated(
                "make_classification", n_samples=3000, n_features=12, n_informative=5, weights=[0.95], flip_y=0.01
            ),
        ),
        Bundled(
            "noisy-blobs",
            "2000 points of 4 Gaussians, every fifth label wrong",
            "sklearn.datasets.make_blobs, seed 0, 20 % of the labels moved",
            _OURS,
            _noisy_blobs,
        ),
        Bundled(
            "diabetes",
            "442 patients, progression of the disease after a year, a number",
            "Efron, Hastie, Johnstone and Tibshirani (2004), by scikit-learn",
            "BSD, with scikit-learn",
            _loaded("load_diabetes"),
        ),
        Bundled(
            "friedman",
            "1000 points, a number that depends on 5 of 10 features, not linearly",
            "sklearn.datasets.make_friedman1, noise 1, seed 0",
            _OURS,
            _generated("make_friedman1", n_samples=1000, noise=1.0),
        ),
    )
}


def bundled_names() -> list[str]:
    """The names that `read_table` knows, in the order of the table."""
    return list(BUNDLED)


def is_bundled(name: str) -> bool:
    """Whether a set of this name, in any spelling, is bundled."""
    return _canonical(name) in BUNDLED


def bundled_table(name: str) -> Table:
    """The bundled set of that name, its target known."""
    from dataclasses import replace

    from minimand.workbench.tables.memory import from_arrays

    item = BUNDLED[_canonical(name)]
    X, y, names, classes = item.make()
    labels = y if classes is None else np.array(classes, dtype=object)[np.asarray(y, dtype=np.int64)]
    table = from_arrays(X, labels, names=names, name=item.name)
    return replace(table, path=item.name, notes=(f"bundled: {item.title}; {item.source}; licence: {item.licence}",))


def _canonical(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")
