"""The default input encoder: a table of numbers and categories becomes a float32 matrix that a network can learn from.

Numbers become normal scores, because networks learn badly from raw scales and long tails; categories become one-hot
columns with rare levels pooled, because a level that is seen a handful of times teaches only its rows; missing cells
keep a mark, because that a value is missing may say something. Nothing is read from a target, and the code of a row
never depends on the other rows of the same call.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from minimand.estimators.columns import CategoricalColumn, ColumnKind, NumericColumn, as_numbers, guess_kind

_FORMAT = 1


class TableEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Normal scores for numbers, one-hot columns for categories, marks for missing cells.

    - A **number** becomes the normal quantile of its mid-rank in training (`columns.NumericColumn`), a missing one 0,
      with an indicator column if training had missing ones. A column with two values becomes -1 and 1. A constant
      column gives nothing.
    - A **category** becomes one column for each frequent level, one "(rare)" column for the others, and one for missing
      cells if training had any. A level that training did not have counts as rare, or as all zeros if nothing was rare.
    - If nothing is left, the output is one column of zeros, so that a network can still be built.

    Args:
        categorical_features: `"auto"` (columns of text that does not read as numbers, and columns with the category
            dtype of pandas; booleans are the numbers 0 and 1), or a list of column indices or names, or a boolean mask.
        min_level_count: at least 1; levels with fewer training rows are pooled.
        max_levels: at least 1; levels beyond this many most frequent ones are pooled.
        n_quantiles: at least 2; about how many knots a numeric column may have.
        random_state: has no effect, since nothing here is random; accepted so that one seed can be set on every step of
            a pipeline.

    Attributes:
        columns_: the fitted columns, in the order of the input.
        n_features_in_: number of input columns.
        feature_names_in_: their names, where the input had names that are text.
        n_features_out_: number of output columns, at least 1.
    """

    columns_: list[NumericColumn | CategoricalColumn]
    n_features_in_: int
    n_features_out_: int

    def __init__(
        self,
        *,
        categorical_features: Literal["auto"] | Sequence[int] | Sequence[str] | Sequence[bool] = "auto",
        min_level_count: int = 10,
        max_levels: int = 64,
        n_quantiles: int = 1000,
        random_state: Any = 0,
    ) -> None:
        self.categorical_features = categorical_features
        self.min_level_count = min_level_count
        self.max_levels = max_levels
        self.n_quantiles = n_quantiles
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike | None = None) -> TableEncoder:
        """Learns knots and levels.

        Args:
            X: `(n, features)`, a numeric array, an object array or a pandas data frame.
            y: not used.

        Raises:
            ValueError: infinite or complex values, text in a numeric column, no rows, wrong hyperparameters.
            TypeError: sparse input, dates, cells that are neither text nor numbers.
        """
        columns, declared = self._split(X, reset=True)
        return self._fit(columns, self._kinds(columns, declared))

    def fit_columns(
        self,
        columns: Sequence[NDArray[Any]],
        kinds: Sequence[ColumnKind],
        *,
        names: Sequence[str] | None = None,
    ) -> TableEncoder:
        """Learns knots and levels from a list of columns whose kinds are known; `categorical_features` is not read.

        Args:
            columns: arrays of shape `(n,)`, each of its own dtype.
            kinds: `"numeric"` or `"categorical"` for each column.
            names: the names of the columns; else x0, x1, ...
        """
        arrays = _checked(columns)
        if not arrays:
            raise ValueError("Found array with 0 feature(s) while a minimum of 1 is required by TableEncoder.")
        if len(kinds) != len(arrays) or (names is not None and len(names) != len(arrays)):
            raise ValueError(f"kinds and names must have one entry for each of the {len(arrays)} columns")
        for kind in kinds:
            if kind not in ("numeric", "categorical"):
                raise ValueError(f'kinds must hold "numeric" or "categorical", got {kind!r}')
        _require_rows(len(arrays[0]), len(arrays))
        self.n_features_in_ = len(arrays)
        if names is not None:
            self.feature_names_in_ = np.array([str(name) for name in names], dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self._fit(arrays, kinds)

    def transform(self, X: Any) -> NDArray[np.float32]:
        """The encoded rows, `(n, n_features_out_)`, float32, C-contiguous and finite."""
        check_is_fitted(self)
        columns, _ = self._split(X, reset=False)
        return self._encode(columns)

    def transform_columns(self, columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """`transform` of a list of columns, each `(n,)`."""
        check_is_fitted(self)
        arrays = _checked(columns)
        if len(arrays) != self.n_features_in_:
            raise ValueError(
                f"X has {len(arrays)} features, but TableEncoder is expecting {self.n_features_in_} features as input"
            )
        return self._encode(arrays)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """The names of the output columns: `age`, `age (missing)`, `job=clerk`, `job (rare)`, `job (missing)`."""
        check_is_fitted(self)
        inputs = _check_feature_names_in(self, input_features)
        names = [out for column, name in zip(self.columns_, inputs, strict=True) for out in column.names(str(name))]
        return np.array(names or ["(constant)"], dtype=object)

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fitted encoder as JSON-able data and named arrays, from which `from_state` makes an exact equal."""
        check_is_fitted(self)
        described: list[dict[str, Any]] = []
        numeric = [column for column in self.columns_ if isinstance(column, NumericColumn)]
        for column in self.columns_:
            if isinstance(column, NumericColumn):
                described.append({"kind": "numeric", "knots": len(column.knots), "missing": column.missing})
            else:
                levels = list(column.levels)
                described.append(
                    {"kind": "categorical", "levels": levels, "rare": column.rare, "missing": column.missing}
                )
        chosen = self.categorical_features
        names = getattr(self, "feature_names_in_", None)
        meta = {
            "format": _FORMAT,
            "parameters": {
                "categorical_features": chosen if isinstance(chosen, str) else np.asarray(chosen).tolist(),
                "min_level_count": int(self.min_level_count),
                "max_levels": int(self.max_levels),
                "n_quantiles": int(self.n_quantiles),
                "random_state": int(self.random_state) if isinstance(self.random_state, numbers.Integral) else None,
            },
            "feature_names_in": None if names is None else [str(name) for name in names],
            "columns": described,
        }
        empty = np.empty(0)
        arrays = {
            "knots": np.concatenate([empty, *(column.knots for column in numeric)]),
            "codes": np.concatenate([empty, *(column.codes for column in numeric)]),
        }
        return meta, arrays

    @classmethod
    def from_state(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TableEncoder:
        """The fitted encoder that `to_state` described; its `transform` is bitwise the same.

        Raises:
            ValueError: another format, or arrays that do not fit the description.
        """
        if meta.get("format") != _FORMAT:
            raise ValueError(f"the state of a TableEncoder must have format {_FORMAT}, got {meta.get('format')!r}")
        knots, codes = (np.array(arrays[key], dtype=np.float64) for key in ("knots", "codes"))
        total = sum(int(column["knots"]) for column in meta["columns"] if column["kind"] == "numeric")
        if not len(knots) == len(codes) == total:
            raise ValueError(
                f"knots and codes must have {total} entries as described, got {len(knots)} and {len(codes)}"
            )
        columns: list[NumericColumn | CategoricalColumn] = []
        start = 0
        for column in meta["columns"]:
            if column["kind"] == "numeric":
                part = slice(start, start + int(column["knots"]))
                columns.append(NumericColumn(knots[part], codes[part], bool(column["missing"])))
                start = part.stop
            else:
                columns.append(
                    CategoricalColumn(tuple(column["levels"]), bool(column["rare"]), bool(column["missing"]))
                )
        encoder = cls(**meta["parameters"])
        encoder.n_features_in_ = len(columns)
        if meta["feature_names_in"] is not None:
            encoder.feature_names_in_ = np.array(meta["feature_names_in"], dtype=object)
        encoder._keep(columns)
        return encoder

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def _split(self, X: Any, *, reset: bool) -> tuple[list[NDArray[Any]], set[int]]:
        """The columns of a table, and the positions of those with the category dtype of pandas."""
        if not (hasattr(X, "columns") and hasattr(X, "iloc")):
            if getattr(getattr(X, "dtype", None), "kind", None) == "T":
                X = X.astype(object)  # the strings of NumPy 2, which scikit-learn does not know
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
            return [X[:, j] for j in range(X.shape[1])], set()
        validate_data(self, X, reset=reset, skip_check_array=True)
        _require_rows(*X.shape)
        columns, declared = [], set()
        for j in range(X.shape[1]):
            column = X.iloc[:, j]
            if str(column.dtype) == "category":
                declared.add(j)
            elif getattr(column.dtype, "kind", "O") in "biuf":
                columns.append(column.to_numpy(dtype=np.float64, na_value=np.nan))
                continue
            elif getattr(column.dtype, "kind", "O") in "cmM":
                columns.append(column.to_numpy())
                continue
            columns.append(column.astype(object).to_numpy())
        return columns, declared

    def _kinds(self, columns: Sequence[NDArray[Any]], declared: set[int]) -> list[ColumnKind]:
        chosen = self.categorical_features
        n = len(columns)
        if isinstance(chosen, str):
            if chosen != "auto":
                raise ValueError(f'categorical_features must be "auto" or a list of columns, got {chosen!r}')
            return ["categorical" if j in declared else guess_kind(column) for j, column in enumerate(columns)]
        items = list(chosen)
        positions: set[int] = set()
        if items and all(isinstance(item, bool | np.bool_) for item in items):
            if len(items) != n:
                raise ValueError(f"categorical_features as a mask must have {n} entries, got {len(items)}")
            positions = {j for j, item in enumerate(items) if item}
        else:
            names = [str(name) for name in getattr(self, "feature_names_in_", ())]
            for item in items:
                if isinstance(item, str) and item in names:
                    positions.add(names.index(item))
                elif isinstance(item, numbers.Integral) and -n <= int(item) < n:
                    positions.add(int(item) % n)
                else:
                    raise ValueError(f"categorical_features must name columns of X, got {item!r}")
        return ["categorical" if j in positions else "numeric" for j in range(n)]

    def _fit(self, columns: Sequence[NDArray[Any]], kinds: Sequence[ColumnKind]) -> TableEncoder:
        for name, least in (("min_level_count", 1), ("max_levels", 1), ("n_quantiles", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, numbers.Integral):
                raise TypeError(f"{name} must be an integer, got {value!r}")
            if int(value) < least:
                raise ValueError(f"{name} must be at least {least}, got {value!r}")
        fitted: list[NumericColumn | CategoricalColumn] = []
        for column, kind, name in zip(columns, kinds, self._names(), strict=True):
            if kind == "numeric":
                fitted.append(NumericColumn.fit(as_numbers(column, name), n_quantiles=int(self.n_quantiles)))
            else:
                limits = {"min_level_count": int(self.min_level_count), "max_levels": int(self.max_levels)}
                fitted.append(CategoricalColumn.fit(column, **limits, name=name))
        self._keep(fitted)
        return self

    def _keep(self, columns: list[NumericColumn | CategoricalColumn]) -> None:
        self.columns_ = columns
        self.n_features_out_ = max(1, sum(column.width for column in columns))

    def _names(self) -> list[str]:
        return [str(name) for name in _check_feature_names_in(self)]

    def _encode(self, columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        out = np.zeros((len(columns[0]), self.n_features_out_), dtype=np.float32)
        start = 0
        for fitted, column, name in zip(self.columns_, columns, self._names(), strict=True):
            part = out[:, start : start + fitted.width]
            if isinstance(fitted, NumericColumn):
                fitted.encode(as_numbers(column, name), part)
            else:
                fitted.encode(column, part, name=name)
            start += fitted.width
        return out


def _checked(columns: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    arrays = [np.asarray(column) for column in columns]
    for array in arrays:
        if array.ndim != 1 or len(array) != len(arrays[0]):
            raise ValueError(f"columns must be 1-D and equally long, got shapes {[a.shape for a in arrays]}")
    return arrays


def _require_rows(rows: int, features: int) -> None:
    for count, what in ((rows, "sample"), (features, "feature")):
        if count == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape=({rows}, {features})) while a minimum of 1 is required by"
                " TableEncoder."
            )
