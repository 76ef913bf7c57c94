"""Targets of networks with several outputs: some columns of y for each."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from sknn_mnist.estimators._own_data import of_one_kind
from sknn_mnist.estimators._own_targets import OwnClassEncoder, OwnNumberEncoder
from sknn_mnist.networks._compile_settings import is_by_output
from sknn_mnist.networks._heads import Heads

__all__ = ["SeveralHeads", "losses_by_head"]


class SeveralHeads(TransformerMixin, BaseEstimator):
    """Encode the columns of y for the outputs of a network, some columns for each.

    Parameters
    ----------
    owner : str
        Name of the estimator, for messages.
    dtype : str
        dtype of encoded targets that are not class codes.
    classes : bool
        Whether each column is of labels, for an output of its own; else they are
        numbers, and an output takes as many as it has units.
    """

    def __init__(self, owner: str, dtype: str, classes: bool) -> None:
        self.owner = owner
        self.dtype = dtype
        self.classes = classes

    def fit(self, y: np.ndarray) -> SeveralHeads:
        self.n_columns_ = y.shape[1]
        if self.classes:
            self.heads_ = [
                OwnClassEncoder(self.owner, None, self.dtype).fit(of_one_kind(column))
                for column in y.T
            ]
            self.widths_ = [1] * y.shape[1]
        return self

    def settle(self, loss: Any, heads: Heads, maker: str) -> SeveralHeads:
        """Choose each output's encoding."""
        if not self.classes:
            self.widths_ = [head.units or 1 for head in heads.each]
            self.heads_ = [
                OwnNumberEncoder(self.owner, self.dtype).fit(np.empty((0, width)))
                for width in self.widths_
            ]
        if sum(self.widths_) != self.n_columns_:
            units = [head.units for head in heads.each]
            raise ValueError(
                f"The outputs of {maker} have {units} units, and y has "
                f"{self.n_columns_} column(s): one for each unit is wanted. Give a "
                "target_encoder that makes of y what the outputs take."
            )
        losses = losses_by_head(loss, heads)
        for encoder, each, head in zip(self.heads_, losses, heads.each, strict=True):
            encoder.settle(each, head, maker)
        self.packing_ = heads.structure
        return self

    def transform(self, y: np.ndarray) -> Any:
        if y.ndim != 2 or y.shape[1] != self.n_columns_:
            raise ValueError(
                f"y has shape {y.shape}, but {self.owner} was fitted with "
                f"{self.n_columns_} columns."
            )
        parts = self.parts_of(y)
        return keras.tree.pack_sequence_as(
            self.packing_,
            [
                encoder.transform(of_one_kind(part[:, 0]) if self.classes else part)
                for encoder, part in zip(self.heads_, parts, strict=True)
            ],
        )

    def parts_of(self, y: np.ndarray) -> list[np.ndarray]:
        """Return the columns of each output."""
        return np.split(y, np.cumsum(self.widths_)[:-1], axis=1)

    def inverse_transform(self, y: Any, return_proba: bool = False) -> Any:
        options = {"return_proba": True} if return_proba else {}
        found = [
            encoder.inverse_transform(each, **options)
            for encoder, each in zip(self.heads_, keras.tree.flatten(y), strict=True)
        ]
        if return_proba:
            return found
        if len({each.dtype.kind for each in found}) > 1:
            found = [each.astype(object) for each in found]  # 1 is not to become "1"
        return np.column_stack(found)

    def codes_of(self, encoded: Any) -> np.ndarray:
        raise ValueError(
            "class_weight can't be used with a network of several outputs: a sample "
            "has no one class. Give sample_weight instead."
        )

    @property
    def is_matrix(self) -> bool:
        return True

    def get_metadata(self) -> dict[str, Any]:
        known = {"n_outputs_": self.n_columns_, "n_outputs_expected_": self.n_columns_}
        if not self.classes:
            return {"n_outputs_": self.n_columns_}
        classes = [each.classes_ for each in self.heads_]
        return {
            **known,
            "classes_": classes,
            "n_classes_": [len(each) for each in classes],
        }


def losses_by_head(loss: Any, heads: Heads) -> list[Any]:
    """Return the loss of each output, however they are given."""
    if is_by_output(loss):
        return [loss.get(head.name) for head in heads.each]
    if isinstance(loss, list | tuple) and len(loss) == len(heads.each):
        return list(loss)
    return [loss] * len(heads.each)
