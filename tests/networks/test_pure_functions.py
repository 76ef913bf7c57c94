"""A function is known to do the same each time only where it does."""

import functools
import os
import random
import time

import keras
import numpy as np
import pytest
from keras import layers
from keras.models import load_model as read

from sknn_mnist.networks._pure_functions import exact_key, purity_key

WIDTH = 3
SEEN = []
SETTINGS = {"width": 3}


def plain(units=2, activation="relu"):
    return keras.Sequential([layers.Dense(units * WIDTH, activation=activation)])


def with_a_loop(sizes=(1, 2)):
    model = keras.Sequential()
    for size in sizes:
        model.add(keras.layers.Dense(size))
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=[keras.metrics.AUC()])
    return model


def by_others():
    return plain(3)


def frozen():
    model = plain()
    model.trainable = False
    return keras.Sequential([model, keras.layers.Dense(1, "relu")])


def importing():
    from keras import regularizers

    return keras.Sequential([layers.Dense(1, kernel_regularizer=regularizers.L2())])


def importing_all(width=2):
    import keras
    from keras import layers as parts

    return keras.Sequential([keras.layers.Dense(width), parts.Dense(1)])


def importing_twice(width=2):
    from keras import layers

    if width > 2:
        from keras import activations as layers

    return layers.relu(width)


def imports_a_reader():
    from keras.models import load_model

    return load_model("net.keras")


def within(scale):
    def inner():
        return plain(scale)

    return inner


def counts():
    SEEN.append(1)
    return plain()


def looks_up():
    return plain(SETTINGS["width"])


def prints():
    print("made")
    return plain()


def summarises():
    model = plain()
    model.summary()
    return model


def reads():
    model = plain()
    model.load_weights("weights.h5")
    return model


def draws_anew():
    return plain(int(np.random.default_rng().integers(5)))


def of_the_process():
    return plain(len(os.environ))


def of_time():
    return plain(int(time.time()))


def of_chance():
    return plain(random.randint(1, 3))


def imports_others():
    import os

    return plain(len(os.environ))


def changes_a_name():
    global WIDTH
    WIDTH += 1
    return plain()


def counts_on_itself():
    counts_on_itself.calls = getattr(counts_on_itself, "calls", 0) + 1
    return plain()


def noted():
    return plain(noted.units)


noted.units = 3


def by_one_that_counts():
    return noted()


def reads_by_another_name():
    return read("net.keras")


def of_numpy():
    return plain(int(np.prod((2, 3))))


def changes_keras():
    keras.layers.Dense = None
    return plain()


def hands_on_a_module():
    return getattr(keras, "Sequential")([])  # noqa: B009


class Made:
    def __call__(self):
        return plain()


@pytest.mark.parametrize(
    "function",
    [
        *(plain, with_a_loop, by_others, frozen, importing, importing_all, within(2)),
        functools.partial(plain, units=3),
        lambda: plain(),
    ],
)
def test_it_is_known_what_does_the_same(function):
    key = purity_key(function)
    assert key is not None
    assert hash(key) == hash(purity_key(function))


@pytest.mark.parametrize(
    "function",
    [
        *(counts, looks_up, prints, summarises, reads, draws_anew, of_the_process),
        *(of_time, of_chance, imports_others, changes_a_name, Made(), Made, print),
        *(
            importing_twice,
            imports_a_reader,
            counts_on_itself,
            by_one_that_counts,
            reads_by_another_name,
        ),
        *(keras.models.load_model, of_numpy, changes_keras, hands_on_a_module),
        functools.partial(plain, units=[3]),
        functools.partial(counts),
        within([2]),
    ],
)
def test_what_may_do_otherwise_is_not(function):
    assert purity_key(function) is None


def test_what_it_refers_to_counts(monkeypatch):
    keys = {purity_key(plain), purity_key(by_others)}
    assert len(keys) == 2
    monkeypatch.setitem(globals(), "WIDTH", 4)
    assert not keys & {purity_key(plain), purity_key(by_others)}
    assert purity_key(within(2)) != purity_key(within(3))


def test_what_keras_has_under_a_name_counts(monkeypatch):
    assert purity_key(with_a_loop) is not None
    monkeypatch.setattr(keras.layers, "Dense", type("Dense", (layers.Dense,), {}))
    assert purity_key(with_a_loop) is None


def test_arguments_are_told_apart():
    values = [
        *({"a": 1, "b": 2}, {"b": 2, "a": 1}, {1: 2}, {"1": 2}, (1, 2), [1, 2]),
        *(1, 1.0, True, "1", [(1,)], [[1]], None, keras.optimizers.Adam(0.1)),
        *(keras.optimizers.Adam(0.2), "relu", keras.activations.relu),
    ]
    keys = [exact_key(each) for each in values]
    assert len(set(keys)) == len(keys)
    assert keys == [exact_key(each) for each in values]


def test_a_namesake_is_another():
    def plain(units=2, activation="relu"):
        return keras.Sequential([layers.Dense(units, activation=activation)])

    assert purity_key(plain) != purity_key(globals()["plain"])
