"""Histories hold floats, and arrays where a metric gives a value per class."""

import numpy as np
import pytest
import tensorflow as tf

from sknn_mnist._histories import plain_history, plain_logs

NUMBERS = [1, 0.5, np.float32(0.1), np.array(0.25, "float16"), tf.constant(0.1)]
VECTORS = [np.array([0.1, 0.2], "float32"), tf.constant([0.5, 1.0]), [0.5, 0.25]]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda each: type(each).__name__)
def test_a_number_of_any_kind_is_a_float_with_its_bits(number):
    found = [plain_logs({"loss": number})["loss"]]
    found += plain_history({"loss": [number]})["loss"]
    for value in found:
        assert type(value) is float
        assert value == float(np.asarray(number))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: type(each).__name__)
def test_a_vector_of_any_kind_is_an_array_with_its_bits(vector):
    found = [plain_logs({"f1": vector})["f1"], *plain_history({"f1": [vector]})["f1"]]
    for value in found:
        assert type(value) is np.ndarray
        assert value.dtype == np.asarray(vector).dtype
        np.testing.assert_array_equal(value, vector)
