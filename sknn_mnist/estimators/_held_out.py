"""What a fit holds out of its rows, or is given besides, to judge its epochs by."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from sknn_mnist._messages import and_more, one_line
from sknn_mnist._parameters import check_fraction, invalid
from sknn_mnist.engine._nests import Nest, leaves_of, n_rows_of, rows_of
from sknn_mnist.engine._plan import Samples
from sknn_mnist.engine._training import split_validation
from sknn_mnist.estimators._data import CheckedData
from sknn_mnist.estimators._weights import check_sample_weight

__all__ = ["HoldsOut", "Validation", "is_splitter", "warn_of_classes"]


@dataclass(frozen=True)
class Validation:
    """What `fit` was given to validate on, and to split by.

    Attributes
    ----------
    X, y, sample_weight : array-like or None
        Rows of the user's own, their targets and weights.
    groups : array-like or None
        Groups of the rows of X, for a splitter.
    is_checked : bool
        Whether the rows are known to be good.
    """

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    groups: Any = None
    is_checked: bool = False

    def check(self, owner: str) -> None:
        """Refuse some of the arrays without the others."""
        given = {"X_val": self.X, "y_val": self.y}
        for name, other in ("X_val", "y_val"), ("y_val", "X_val"):
            if given[name] is not None and given[other] is None:
                raise ValueError(
                    f"{owner} is given {name}, but not {other}: give both, or neither."
                )
        if self.sample_weight is not None and self.X is None:
            raise ValueError(
                f"{owner} is given sample_weight_val, but no X_val and y_val."
            )


class HoldsOut(CheckedData):
    """Validation data of a fit: the user's own, or rows of the training's."""

    feature_encoder_: Any
    # Of the fit at work; there is none outside of it.
    _validation = Validation()
    # Whether rows that come are those to validate on.
    _checks_validation = False

    def _check_parameters(self) -> None:
        super()._check_parameters()
        split = self._setting("validation_split")
        check_validation_split(split, type(self).__name__)

    def _check_validation(self, given: Validation) -> None:
        """Refuse what can't be validated on, and early stopping without anything."""
        owner = type(self).__name__
        given.check(owner)
        split = self._setting("validation_split")
        own = given.X is not None
        if given.groups is not None and (own or not is_splitter(split)):
            what = "X_val, which is not split" if own else f"validation_split={split!r}"
            raise ValueError(
                f"{owner} is given groups and {what}: groups are for a splitter as "
                "validation_split, such as GroupShuffleSplit(1, test_size=0.1)."
            )
        monitor = self.monitor
        if self.early_stopping and monitor.startswith("val_") and not (own or split):
            raise ValueError(
                f"early_stopping=True of {owner} needs rows to judge by "
                f"(monitor={monitor!r}), and has none: set validation_split, for "
                "example to 0.1, or give X_val and y_val to fit."
            )

    def _hold_out(
        self, X: Nest, y: Nest, weights: np.ndarray | None
    ) -> tuple[tuple[Nest, Nest, np.ndarray | None], Samples | None]:
        """Return what to train on, and what to validate on if anything.

        Parameters
        ----------
        X, y, weights : nest of ndarray, nest of ndarray, ndarray or None
            The rows of the fit, as network and loss take them.
        """
        owner = type(self).__name__
        split = self._setting("validation_split")
        if self._validation.X is not None:
            return (X, y, weights), self._encoded_validation()
        if not is_splitter(split):
            if not split:
                return (X, y, weights), None
            rest, held_out = split_validation((X, y, weights), split, owner)
        else:
            rest, held_out = self._first_split(split, (X, y, weights))
        self._compare_split(rest[1], held_out[1])
        return (rest[0], rest[1], rest[2]), Samples(*self._weighed(*held_out))

    def _compare_split(self, trained: Nest, held_out: Nest) -> None:
        """Warn where encoded targets held out are not like those trained on."""

    def _labels_of(self, y: Nest) -> np.ndarray:
        """Return encoded targets as a splitter takes them."""
        leaves = [np.asarray(each) for each in leaves_of(y)]
        if len(leaves) == 1:
            return leaves[0]
        return np.column_stack([each.reshape(len(each), -1) for each in leaves])

    def _first_split(
        self, splitter: Any, arrays: tuple[Nest, Nest, np.ndarray | None]
    ) -> tuple[list[Any], list[Any]]:
        """Return the rows to train on, and those held out."""
        X, y, _ = arrays
        groups = self._validation.groups
        self._check_groups(n_rows_of(X))
        with _naming(f"validation_split={splitter!r} of {type(self).__name__}", 300):
            try:
                splits = splitter.split(leaves_of(X)[0], self._labels_of(y), groups)
                first = next(iter(splits), None)
            except ValueError as err:
                if groups is None and "'groups'" in str(err):
                    raise ValueError(f"{err} Give fit(X, y, groups=...).") from err
                raise
            if first is None:
                raise ValueError("it gives no split")
            chosen = [
                [
                    None if each is None else rows_of(each, np.asarray(rows))
                    for each in arrays
                ]
                for rows in first
            ]
            for (rows, *_), what in zip(chosen, ("train", "validate"), strict=True):
                if not n_rows_of(rows):
                    raise ValueError(f"it leaves no rows to {what} on")
        return chosen[0], chosen[1]

    def _check_groups(self, n_rows: int) -> None:
        """Refuse groups of other rows."""
        groups = self._validation.groups
        if groups is not None and len(column_or_1d(groups)) != n_rows:
            raise ValueError(
                f"groups of {type(self).__name__} must have one for each of the "
                f"{n_rows} rows of X. Got {len(groups)}."
            )

    def _validate_sample_weight(
        self, X: Nest, y: np.ndarray, sample_weight: Any
    ) -> tuple[Nest, np.ndarray, np.ndarray]:
        # Rows without weight are gone before any are held out for validation.
        weights = check_sample_weight(sample_weight, n_rows_of(X))
        self._check_groups(len(weights))
        kept = weights > 0
        if kept.all():  # no copies
            return X, y, weights
        given = self._validation
        if given.groups is not None:
            groups = np.asarray(given.groups)[kept]
            self._validation = replace(given, groups=groups)
        return rows_of(X, kept), rows_of(y, kept), weights[kept]

    # -- rows of the user's own ---------------------------------------------------

    def _take_validation(self) -> None:
        """Judge the rows given to validate on, as those to train on are."""
        given = self._validation
        if given.X is None or given.is_checked:
            return
        owner = type(self).__name__
        weights = None
        self._checks_validation = True
        with _naming(f"X_val and y_val of {owner}"):
            X, y = self._validate_data(given.X, given.y, reset=False)
        del self._checks_validation
        if given.sample_weight is not None:
            with _naming(f"sample_weight_val of {owner}"):
                weights = check_sample_weight(given.sample_weight, n_rows_of(X))
        self._validation = Validation(X, y, weights, is_checked=True)

    def _encoded_validation(self) -> Samples:
        self._take_validation()
        given = self._validation
        with _naming(f"X_val and y_val of {type(self).__name__}"):
            y = self.target_encoder_.transform(given.y)
            X = self._as_taken(self.feature_encoder_.transform(given.X))
        return Samples(*self._weighed(X, y, given.sample_weight))

    def _as_taken(self, X: Any) -> Any:
        """Return encoded rows in the shapes and dtypes that the network takes."""
        return X


def is_splitter(value: Any) -> bool:
    """Tell whether a value splits rows, as scikit-learn's splitters do."""
    if inspect.isclass(value) or isinstance(value, str | bytes):
        return False
    return callable(getattr(value, "split", None))


def check_validation_split(value: Any, owner: str) -> None:
    """Refuse what is neither a fraction nor a splitter."""
    if is_splitter(value):
        return
    try:
        check_fraction("validation_split", value, owner)
    except ValueError as err:
        allowed = (
            "a float in the range [0.0, 1.0), or a splitter of scikit-learn's such as "
            "StratifiedShuffleSplit(1, test_size=0.1)"
        )
        raise invalid("validation_split", owner, allowed, value) from err


def warn_of_classes(
    estimator: HoldsOut, classes: np.ndarray, trained: np.ndarray, held_out: np.ndarray
) -> None:
    """Warn where rows held out and rows trained on are not of the same classes.

    Parameters
    ----------
    estimator : HoldsOut
        Who has split them off.
    classes : ndarray of shape (n_classes,)
        The labels.
    trained, held_out : ndarray of int
        Codes of the classes that rows have.
    """
    numbers = set(trained.tolist()), set(held_out.tolist())
    said = [
        f"{verb} the class{'es' * (len(some) > 1)} "
        f"{and_more([str(each) for each in classes[sorted(some)]], 5)}"
        for verb, some in (
            ("lack", numbers[0] - numbers[1]),
            ("hold, and training lacks,", numbers[1] - numbers[0]),
        )
        if some
    ]
    if not said:
        return
    split = estimator._setting("validation_split")
    fix = "Give validation_split a splitter that stratifies, with larger test_size"
    if not is_splitter(split):
        fix = (
            "They are the last ones, as in keras.Model.fit: shuffle rows that are "
            "sorted, or hold out of each class, by validation_split="
            f"StratifiedShuffleSplit(1, test_size={split}, random_state=0)"
        )
    warnings.warn(
        f"Of the {len(classes)} classes, the rows that validation_split of "
        f"{type(estimator).__name__} holds out {' and '.join(said)}: they tell little "
        f"of the network. {fix}.",
        stacklevel=2,
    )


@contextmanager
def _naming(what: str, most: int | None = None) -> Iterator[None]:
    """Say of what an error is, in so many characters at most."""
    try:
        yield
    except (ValueError, TypeError, IndexError) as err:
        kind = TypeError if type(err) is TypeError else ValueError
        said = err if most is None else one_line(err, most)
        raise kind(f"{what}: {said}") from err
