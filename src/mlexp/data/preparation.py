"""The preparation of features: impute, one_hot, polynomial, select, scale, pca, fitted on the training part alone.

The order is fixed. Nothing after it takes an empty cell, so these are filled first; words must be numbers
before anything is computed; products come before the scaling, so that they are scaled too; principal
components come last, for they weigh features by their variance.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from math import comb
from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.data import selection
from mlexp.data.columns import listed, short
from mlexp.data.dataset import Dataset
from mlexp.data.rows import MEMORY_MB, Rows
from mlexp.data.scaling import Scaling, check_factors, check_reach, check_squares, fit_scale, resolve
from mlexp.data.split import Part, Split
from mlexp.errors import ConfigError, DataError

MOST_FEATURES = 20_000
COPIES = 3  # of the rows while indicators are made: as read, as float64, as the model takes them
MANY_WORDS = 20  # fewer different words are few, whatever the number of rows
SCALED_BY_FIT = ("standard", "minmax")


@dataclass(frozen=True, eq=False)
class Preparation:
    """What was fitted on a training part, to be applied to any rows of the same columns.

    Attributes
    ----------
    early : fitted scikit-learn transformers (name, step) that come before the scaling
    scaling : what every value is multiplied by and shifted
    pca : fitted ``sklearn.decomposition.PCA`` or None
    feature_names : name of each prepared feature
    dtype : type of the prepared rows
    record : what stands in the run's record
    columns : name of each feature that is scaled, before the principal components
    where : the data set, for messages
    """

    early: list[tuple[str, Any]]
    scaling: Scaling
    pca: Any
    feature_names: tuple[str, ...]
    dtype: Any
    record: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    where: str = "the data set"

    @property
    def scales_only(self) -> bool:
        """Whether the features stay what they are; rows are then scaled when they are read."""
        return not self.early and self.pca is None

    def rows(self, X: Rows) -> Rows:
        """Prepare raw rows; scaling alone copies nothing.

        Raises
        ------
        DataError
            A value that the type of the prepared rows cannot hold.
        """
        if self.early:
            X = Rows(through(self.early, np.asarray(X.scaled(None, None, np.float64))))
        X = X.scaled(self.scaling.scale, self.scaling.shift, self.dtype)
        check_reach(X, self.columns, self.where)
        if self.pca is None:
            return X
        return Rows(self.pca.transform(np.asarray(X)).astype(self.dtype), dtype=self.dtype)

    def part(self, part: Part) -> Part:
        """Prepare a part of a split; its targets and row numbers stay."""
        return replace(part, X=self.rows(part.X)) if len(part) else self._empty(part)

    def inverse(self, X: np.ndarray) -> np.ndarray:
        """Map prepared rows back to features before the scaling (raw ones where nothing else came first).

        Parameters
        ----------
        X : array of shape (n_rows, n_prepared_features)
        """
        X = np.asarray(X if self.pca is None else self.pca.inverse_transform(X), np.float64)
        if self.scaling.shift is not None:
            X = X - self.scaling.shift
        return X if self.scaling.scale is None else X / self.scaling.scale

    def factors(self) -> dict[str, np.ndarray]:
        """Return what a file of an engine's network keeps of the scaling: `feature_scale` and `feature_shift`."""
        kept = {"feature_scale": self.scaling.scale, "feature_shift": self.scaling.shift}
        return {name: np.asarray(value) for name, value in kept.items() if value is not None}

    def pipeline(self, *last: tuple[str, Any]) -> Any:
        """Return all steps, then `last`, as one fitted ``sklearn.pipeline.Pipeline`` of raw rows."""
        from sklearn.pipeline import Pipeline

        scale = [("scale", self._scaler())] if self.scaling.how != "none" else []
        pca = [("pca", self.pca)] if self.pca is not None else []
        return Pipeline([*self.early, *scale, *pca, *last] or [("nothing", "passthrough")])

    def _empty(self, part: Part) -> Part:
        width = len(self.feature_names)
        return replace(part, X=Rows(np.empty((0, width), self.dtype), dtype=self.dtype))

    def _scaler(self) -> Any:
        """Return the scaling as scikit-learn's own ``X * scale_ + min_``, whatever it was fitted by."""
        from sklearn.preprocessing import MinMaxScaler

        width = self.pca.n_features_in_ if self.pca is not None else len(self.feature_names)
        scaler = MinMaxScaler()
        scaler.scale_ = np.broadcast_to(
            np.float64(1 if self.scaling.scale is None else self.scaling.scale), width
        ).copy()
        scaler.min_ = np.broadcast_to(
            np.float64(0 if self.scaling.shift is None else self.scaling.shift), width
        ).copy()
        scaler.data_min_, scaler.data_max_ = -scaler.min_ / scaler.scale_, (1 - scaler.min_) / scaler.scale_
        scaler.data_range_ = scaler.data_max_ - scaler.data_min_
        scaler.n_features_in_, scaler.n_samples_seen_ = width, self.scaling.n_rows
        return scaler


def prepared(
    parts: Split,
    dataset: Dataset,
    wanted: schema.Prepare,
    dtype: Any = np.float32,
    memory_mb: int = MEMORY_MB,
) -> tuple[Split, Preparation]:
    """Fit the preparation on the training part and apply it to all three parts.

    Parameters
    ----------
    parts : Split
        Three parts as `split` made them.
    dataset : Dataset
        Their data set, for the names and kinds of its columns.
    wanted : schema.Prepare
        The node `prepare` of the configuration.
    dtype : float32 or float64, default float32
        Type of the prepared rows.
    memory_mb : int, default 4000
        Refuse indicator columns that would need more megabytes than this.

    Raises
    ------
    ConfigError
        A step that does not fit the data, or needs more memory.
    DataError
        Empty cells without prepare.impute, text columns without prepare.one_hot or of a word for nearly every row.
    """
    for part in (parts.train, parts.validation, parts.test):
        _check_cells(part, dataset, wanted)
    ready = fitted(parts.train, dataset, wanted, dtype=dtype, memory_mb=memory_mb)
    return Split(ready.part(parts.train), ready.part(parts.validation), ready.part(parts.test)), ready


def fitted(
    train: Part,
    dataset: Dataset,
    wanted: schema.Prepare,
    dtype: Any = np.float32,
    memory_mb: int = MEMORY_MB,
) -> Preparation:
    """Fit the preparation on one part; the parameters are those of `prepared`."""
    _check_cells(train, dataset, wanted)
    _check_columns(train, dataset, wanted)
    _check_words(dataset, memory_mb)
    record: dict[str, Any] = {}
    names = dataset.feature_names
    early = _early_steps(dataset, wanted)
    current, pixel_max = train, dataset.pixel_max
    for name, step in early:
        if name == "polynomial":
            _check_products(len(names), step.degree)
        with np.errstate(over="ignore"):  # products that overflow are refused when they are read
            X = np.asarray(step.fit_transform(np.asarray(current.X.scaled(None, None, np.float64))))
        names = tuple(_readable(str(word), dataset) for word in step.get_feature_names_out(names))
        current, pixel_max = replace(current, X=Rows(X)), None
        record[name] = {"features": len(names)}
    if wanted.select is not None:
        X = np.asarray(current.X.scaled(None, None, np.float64))
        step, kept = selection.fitted(X, train.y, dataset, wanted)
        early = [*early, ("select", step)]
        current = replace(current, X=Rows(step.transform(X)))
        record["select"] = selection.record(kept, names, wanted.select_by)
        names = tuple(names[place] for place in kept)
    record |= {"impute": wanted.impute} if wanted.impute else {}
    how = resolve(wanted.scale, pixel_max)
    scaling = Scaling(how, *fit_scale(current, how, pixel_max), len(train) if how in SCALED_BY_FIT else 0)
    where = f"Data set '{dataset.name}'"
    check_factors(scaling.scale, names, where)
    record |= {"scale": how, "fitted_on_rows": len(train) if early else scaling.n_rows}
    pca, columns = None, names
    if wanted.pca is not None:
        scaled = current.X.scaled(scaling.scale, scaling.shift, dtype)
        check_reach(scaled, columns, where)
        pca = _fitted_pca(scaled, wanted.pca)
        record |= {"pca": _pca_record(pca), "fitted_on_rows": len(train)}
        names = tuple(f"pc{k + 1}" for k in range(pca.n_components_))
    return Preparation(early, scaling, pca, names, np.dtype(dtype), record, columns, where)


def load_libraries(dataset: Dataset, wanted: schema.Prepare) -> None:
    """Import what `prepared` uses, so that what is measured of it is its work and not the loading of libraries."""
    names = []
    if dataset.categories or wanted.impute or wanted.polynomial:
        names += ["compose", "impute", "pipeline", "preprocessing"]
    if wanted.select is not None:
        names += ["compose", "feature_selection", "preprocessing"]
    if wanted.pca is not None:
        names += ["decomposition"]
    for name in names:
        import_module(f"sklearn.{name}")


def through(steps: list[tuple[str, Any]], X: np.ndarray) -> np.ndarray:
    """Pass rows through fitted transformers."""
    with np.errstate(over="ignore"):  # products that overflow are refused by their reader
        for _, step in steps:
            X = np.asarray(step.transform(X))
    return X


def _early_steps(dataset: Dataset, wanted: schema.Prepare) -> list[tuple[str, Any]]:
    if not (dataset.categories or wanted.impute or wanted.polynomial):
        return []  # before scikit-learn is imported
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

    text = sorted(dataset.categories)
    numbers = [column for column in range(dataset.n_features) if column not in dataset.categories]
    steps: list[tuple[str, Any]] = []
    if wanted.impute and not text:
        steps.append(("impute", SimpleImputer(strategy=wanted.impute)))
    if text:
        words = [("indicators", OneHotEncoder(handle_unknown="ignore", sparse_output=False))]
        if wanted.impute:
            words.insert(0, ("impute", SimpleImputer(strategy="most_frequent")))
        # "passthrough" is kept as a transformer of any function, which no file may hold; this one changes nothing.
        unchanged = StandardScaler(with_mean=False, with_std=False)
        fill = SimpleImputer(strategy=wanted.impute) if wanted.impute else unchanged
        columns = [("numbers", fill, numbers), ("text", Pipeline(words), text)]
        steps.append(("one_hot", ColumnTransformer(columns, verbose_feature_names_out=False)))
    if wanted.polynomial:
        steps.append(("polynomial", PolynomialFeatures(wanted.polynomial, include_bias=False)))
    return steps


def _readable(name: str, dataset: Dataset) -> str:
    """Turn the encoder's ``colour_2.0`` into ``colour=red``."""
    for column, words in dataset.categories.items():
        head, _, code = name.rpartition("_")
        if head == dataset.feature_names[column]:
            return f"{head}={words[int(float(code))]}"
    return name


def _check_products(n_features: int, degree: int) -> None:
    made = comb(n_features + degree, degree) - 1
    if made > MOST_FEATURES:
        raise ConfigError(
            f"prepare.polynomial={degree} would make {made:,} features of {n_features:,}; at most "
            f"{MOST_FEATURES:,} are allowed. Choose a lower degree, or a data set with fewer columns."
        )


def _fitted_pca(X: Rows, wanted: float | int) -> Any:
    from sklearn.decomposition import PCA

    most = min(X.shape)
    if wanted > most:
        raise ConfigError(
            f"prepare.pca must be at most {most} here, the smaller of {X.shape[0]} training rows and {X.shape[1]} "
            f"features. Got {wanted}."
        )
    rows = np.asarray(X)
    check_squares(rows, "prepare.pca")
    # Both solvers are exact and repeat to the bit; the first is faster on tall tables and needs no second copy.
    solver = "covariance_eigh" if X.shape[0] >= X.shape[1] else "full"
    return PCA(wanted, svd_solver=solver).fit(rows)


def _pca_record(pca: Any) -> dict[str, Any]:
    share = float(pca.explained_variance_ratio_.sum())
    return {
        "components": int(pca.n_components_),
        "of": int(pca.n_features_in_),
        "variance": share,
        "kept": f"kept {pca.n_components_} of {pca.n_features_in_} components, {100 * share:.1f} % of the variance",
    }


def _check_columns(train: Part, dataset: Dataset, wanted: schema.Prepare) -> None:
    """Refuse to fill a column that has nothing to fill it with."""
    if wanted.impute:
        empty = np.isnan(np.asarray(train.X.scaled(None, None, np.float64))).all(axis=0)
        if empty.any():
            name = short(dataset.feature_names[empty.argmax()])
            raise DataError(
                f"Data set '{dataset.name}' has no filled cell in column '{name}' of its training part: prepare.impute "
                f"has nothing to estimate from. Leave the column out: dataset.ignore=[{name}]."
            )


def _check_words(dataset: Dataset, memory_mb: int) -> None:
    """Refuse indicators of a column with a word for nearly every row, and more of them than memory can hold."""
    for place, words in dataset.categories.items():
        name, n_rows = short(dataset.feature_names[place]), dataset.n_samples
        if len(words) >= MANY_WORDS and 2 * len(words) > n_rows:
            raise DataError(
                f"prepare.one_hot cannot learn from column '{name}' of data set '{dataset.name}': it holds "
                f"{len(words):,} different words in {n_rows:,} rows ({listed(words, 3)}). Leave it out: "
                f"dataset.ignore=[{name}]."
            )
    made = dataset.n_features + sum(len(words) - 1 for words in dataset.categories.values())
    n_rows = dataset.n_samples + (0 if dataset.y_test is None else len(dataset.y_test))
    megabytes = 8 * COPIES * made * n_rows / 1e6
    if dataset.categories and megabytes > memory_mb:
        widest = max(dataset.categories, key=lambda place: len(dataset.categories[place]))
        raise ConfigError(
            f"prepare.one_hot would make {made:,} columns of {n_rows:,} rows, which need about {megabytes:,.0f} MB; "
            f"memory_mb={memory_mb} allows less. Leave out the column with most words, dataset.ignore="
            f"[{short(dataset.feature_names[widest])}], or raise memory_mb."
        )


def _check_cells(part: Part, dataset: Dataset, wanted: schema.Prepare) -> None:
    """Refuse words and empty cells that nothing was asked to be done about."""
    if dataset.categories and not wanted.one_hot:
        column, words = next(iter(dataset.categories.items()))
        name = short(dataset.feature_names[column])
        raise DataError(
            f"Data set '{dataset.name}' has text in column '{name}' ({listed(words, 3)}). Features must be numbers: "
            f"set prepare.one_hot=true, leave the column out (dataset.ignore=[{name}]), or name it as dataset.label."
        )
    if wanted.impute or dataset.X.dtype.kind != "f":
        return
    stored = part.X.scaled(None, None, np.float64)
    for rows in stored.chunks():
        empty = np.isnan(stored[rows])
        if empty.any():
            row, column = np.argwhere(empty)[0]
            name = short(dataset.feature_names[column])
            raise DataError(
                f"Data set '{dataset.name}' has an empty cell (NaN) in column '{name}', row "
                f"{part.index[rows.start + row] + 1}. Set prepare.impute=mean, or leave out the row, or "
                f"the column (dataset.ignore=[{name}])."
            )
