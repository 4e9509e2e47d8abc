"""What scripts use of scikit-learn beside a model, by shape: splits, scalers, encoders, scores, toy data sets.

Only where scikit-learn is not installed. Values are made up; shapes, types and classes are those of the real ones
(https://scikit-learn.org/stable/api/).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from whichgpu.capturing.stand_ins.arrays import labels
from whichgpu.capturing.stand_ins.stubs import PARTS, Attributes, Stub
from whichgpu.capturing.words import words

Array = np.ndarray[Any, Any]


def _selection() -> Attributes:
    def train_test_split(*arrays: Any, test_size: Any = None, train_size: Any = None, **options: Any) -> list[Any]:
        parts: list[Any] = []
        for array in arrays:
            first = len(array) - _test_count(len(array), test_size, train_size)
            parts += [array[:first], array[first:]]
        return parts

    return {"train_test_split": train_test_split, "KFold": Folds, "StratifiedKFold": Folds}


def _test_count(total: int, test_size: Any, train_size: Any) -> int:
    if test_size is None and train_size is not None:
        return total - (int(total * train_size) if isinstance(train_size, float) else int(train_size))
    size = 0.25 if test_size is None else test_size
    return int(np.ceil(total * size)) if isinstance(size, float) else int(size)


class Folds:
    """Cross-validation: pairs of indices."""

    def __init__(self, n_splits: int = 5, **options: Any) -> None:
        self.n_splits = n_splits

    def split(self, data: Any, *targets: Any) -> Any:
        """Index arrays (train, test), one pair a fold."""
        indices = np.arange(len(data))
        for fold in np.array_split(indices, self.n_splits):
            yield np.setdiff1d(indices, fold), fold

    def get_n_splits(self, *arguments: Any) -> int:
        """The number of folds."""
        return self.n_splits


class Scaler:
    """A scaler that keeps values: only their type becomes float64."""

    def __init__(self, *arguments: Any, **options: Any) -> None: ...

    def fit(self, data: Any, *targets: Any) -> Scaler:
        """The scaler."""
        return self

    def transform(self, data: Any) -> Any:
        """The data as float64."""
        return data if isinstance(data, Stub) else np.asanyarray(data).astype("float64")

    def fit_transform(self, data: Any, *targets: Any) -> Any:
        """The data as float64."""
        return self.transform(data)

    inverse_transform = transform


class LabelEncoder:
    """Classes as their numbers."""

    def fit(self, values: Any) -> LabelEncoder:
        """The encoder, with ``classes_``."""
        self.classes_ = np.unique(np.asarray(values))
        return self

    def transform(self, values: Any) -> Array:
        """Numbers of classes, int64."""
        return np.searchsorted(self.classes_, np.asarray(values))

    def fit_transform(self, values: Any) -> Array:
        """Numbers of classes, int64."""
        return self.fit(values).transform(values)

    def inverse_transform(self, numbers: Any) -> Array:
        """The classes of these numbers."""
        chosen: Array = self.classes_[np.asarray(numbers)]
        return chosen


class OneHot(LabelEncoder):
    """Classes as unit vectors: one column a class, or one column for two classes where ``binary``."""

    binary = False

    def __init__(self, *arguments: Any, **options: Any) -> None: ...

    def transform(self, values: Any) -> Array:
        """Unit vectors [samples, classes]."""
        flat = np.asarray(values).reshape(-1)
        vectors = np.eye(len(self.classes_))[np.searchsorted(self.classes_, flat)]
        return vectors[:, 1:] if self.binary and len(self.classes_) == 2 else vectors


class Binarizer(OneHot):
    """Unit vectors; a single column for two classes."""

    binary = True


def _preprocessing() -> Attributes:
    scalers = dict.fromkeys(("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "Normalizer"), Scaler)
    return {**scalers, "LabelEncoder": LabelEncoder, "OneHotEncoder": OneHot, "LabelBinarizer": Binarizer}


def _metrics() -> Attributes:
    names = words(
        """accuracy_score precision_score recall_score f1_score roc_auc_score auc mean_squared_error
    mean_absolute_error r2_score log_loss cohen_kappa_score"""
    )

    def matrix(truth: Any, guess: Any, **options: Any) -> Array:
        size = len(np.unique(np.asarray(truth)))
        return np.ones((size, size), dtype="int64")

    return {**dict.fromkeys(names, lambda *arguments, **options: 0.5), "confusion_matrix": matrix}


TOYS: Final = {
    # name: (samples, features, classes; 0 for a regression)
    "load_iris": (150, 4, 3),
    "load_digits": (1797, 64, 10),
    "load_wine": (178, 13, 3),
    "load_breast_cancer": (569, 30, 2),
    "load_diabetes": (442, 10, 0),
    "fetch_california_housing": (20_640, 8, 0),
}
MADE: Final = {
    # name: (features, classes; 0 for a regression); 100 samples unless told
    "make_classification": (20, 2),
    "make_regression": (100, 0),
    "make_blobs": (2, 3),
    "make_moons": (2, 2),
    "make_circles": (2, 2),
}


class Bunch(dict[str, Any]):
    """A data set as scikit-learn hands it out: keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _toy(samples: int, features: int, classes: int) -> tuple[Array, Array]:
    target = labels(samples, classes, dtype="int64") if classes else np.linspace(0.0, 1.0, samples)
    return np.ones((samples, features)), target


def _toys() -> Attributes:
    def loader(samples: int, features: int, classes: int) -> Any:
        def load(*, return_X_y: bool = False, **options: Any) -> Any:  # noqa: N803  scikit-learn's own name
            data, target = _toy(samples, features, classes)
            names = {
                "feature_names": [f"x{i}" for i in range(features)],
                "target_names": np.arange(classes).astype(str),
            }
            return (data, target) if return_X_y else Bunch(data=data, target=target, **names)

        return load

    def maker(features: int, classes: int) -> Any:
        def make(n_samples: int = 100, n_features: int = features, **options: Any) -> Any:
            kinds = int(options.get("n_classes", options.get("centers", classes) or classes))
            return _toy(n_samples, n_features, kinds)

        return make

    return {
        **{name: loader(*size) for name, size in TOYS.items()},
        **{name: maker(*size) for name, size in MADE.items()},
    }


def register() -> None:
    """Let the stub of scikit-learn have these working parts."""
    PARTS.update(
        {
            "sklearn.model_selection": _selection,
            "sklearn.preprocessing": _preprocessing,
            "sklearn.metrics": _metrics,
            "sklearn.datasets": _toys,
        }
    )
