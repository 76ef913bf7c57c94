"""Building a network disturbs nobody's generators, and gives the same each time."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from sknn_mnist.networks._isolation import isolated


def drawn():
    """Draw from each global generator, and name a layer."""
    return (
        random.random(),
        float(np.random.rand()),  # noqa: NPY002  it is about the legacy generator
        float(keras.random.normal(())),
        float(tf.random.normal(())),
        keras.layers.Dense(1).name,
    )


def seeded():
    keras.utils.set_random_seed(3)
    keras.backend.clear_session()


def test_what_is_drawn_after_does_not_depend_on_it():
    seeded()
    expected = drawn()
    seeded()
    with isolated(7):
        drawn()
    assert drawn() == expected


def test_what_is_drawn_within_depends_on_its_seed_alone():
    found = []
    for before in range(2):
        keras.utils.set_random_seed(before)
        drawn()
        with isolated(7):
            # All but TensorFlow's operation, whose kernel goes on: see below.
            found.append([*drawn()[:3], keras.layers.Dense(1).name])
    assert found[0] == found[1]
    with isolated(8):
        assert [*drawn()[:3]] != found[0][:3]


def test_it_tells_that_an_operation_of_tensorflow_drew_its_seed():
    with isolated(1) as has_drawn:
        keras.layers.Dense(1).build((None, 2))
        assert not has_drawn()
        tf.random.normal(())
        assert has_drawn()


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_the_dtype_holds_within_alone(dtype):
    before = keras.config.dtype_policy().name, keras.config.floatx()
    with isolated(0, dtype):
        assert keras.layers.Dense(1).dtype_policy.name == dtype
        assert keras.Input((1,)).dtype == {"float64": "float64"}.get(dtype, "float32")
    with pytest.raises(ZeroDivisionError), isolated(0, dtype):
        1 / 0  # noqa: B018
    assert (keras.config.dtype_policy().name, keras.config.floatx()) == before
