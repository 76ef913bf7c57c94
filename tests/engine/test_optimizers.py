"""Every optimizer of Keras, in every precision: one training, however it is come by."""

import copy
import inspect
import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone

import sknn_mnist
from sknn_mnist import DenseClassifier
from sknn_mnist._parameters import PRECISIONS
from sknn_mnist.networks._keras_private import VARIABLES, variables_of_optimizer

pytestmark = pytest.mark.exact

RNG = np.random.default_rng(0)
X = RNG.random((96, 12)).astype("float32")
Y = np.arange(96) % 3


def own_optimizers():
    """Return a way to make each optimizer that Keras has."""
    made = {}
    for name, kind in vars(keras.optimizers).items():
        if (
            inspect.isclass(kind)
            and issubclass(kind, keras.optimizers.Optimizer)
            and kind is not keras.optimizers.Optimizer
            and name == kind.__name__
        ):
            made[name] = kind
    made["LossScaleOptimizer"] = lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Nadam(0.01), initial_scale=64.0
    )
    if "MultiOptimizer" in made:
        made["MultiOptimizer"] = lambda: keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(keras.optimizers.Nadam(0.01))
        )
    return made


OPTIMIZERS = own_optimizers()


def test_there_are_the_optimizers_of_keras():
    assert {"Adam", "Nadam", "SGD", "Lion", "Adafactor", "Ftrl"} <= set(OPTIMIZERS)
    assert len(OPTIMIZERS) >= 12


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        # In 16 bits some are enough for every day.
        pytest.param(
            *(name, dtype),
            marks=[pytest.mark.slow]
            if dtype.startswith("mixed") and name not in ("Adam", "SGD", "Muon")
            else [],
        )
        for name in OPTIMIZERS
        for dtype in PRECISIONS
    ],
)
def test_a_training_is_one_and_the_same(name, dtype, tmp_path):
    def net(epochs=2, **parameters):
        return DenseClassifier(
            8,
            optimizer=OPTIMIZERS[name](),
            dtype=dtype,
            epochs=epochs,
            batch_size=32,
            random_state=0,
            **parameters,
        )

    sknn_mnist.clear_network_pool()
    sknn_mnist.clear_memory(":memory:")
    if not keras_trains(name, dtype):
        with pytest.raises(ValueError, match="parameter of DenseClassifier can't be"):
            net().fit(X, Y)
        assert (name, dtype) == ("Muon", "float64")
        return
    first = net().fit(X, Y)
    state = first._network.state
    pooled = net().fit(X, Y)
    assert_same_state(pooled._network.state, state)
    if first._network.recipe.key is not None:
        net(epochs=1, memory=":memory:").fit(X, Y)
        found = net(memory=":memory:").fit(X, Y)
        assert found.initial_epoch_ == 1
        assert_same_state(found._network.state, state)
    # And what went on after an epoch is where an uninterrupted fit would be.
    ways = [lambda one: one, copy.deepcopy, by_pickle, with_model]
    if name != "MultiOptimizer":  # it holds objects, which no file does
        ways.append(lambda one: saved(one, tmp_path))
    for again in ways:
        half = net(epochs=1).fit(X, Y)
        half = again(half)
        assert_same_state(half.partial_fit(X, Y)._network.state, state)


def keras_trains(name, dtype):
    network = sknn_mnist.build_dense((12,), 3, hidden_size=8, dtype=dtype)
    network.compile(OPTIMIZERS[name](), "sparse_categorical_crossentropy")
    try:
        network.fit(X[:8], Y[:8], verbose=0)
    except TypeError:
        return False
    return True


def saved(net, folder):
    path = folder / "net.safetensors"
    net.save(path)
    return sknn_mnist.load(path)


def with_model(net):
    assert net.model_.optimizer is not None
    return net


def assert_same_state(one, other):
    assert one.keys() == other.keys()
    for part, values in one.items():
        assert len(values) == len(other[part])
        for value, expected in zip(values, other[part], strict=True):
            np.testing.assert_array_equal(value, expected)


def everything(optimizer):
    """Return all variables that can be reached, by another way than the package's."""
    seen, found, todo = set(), [], [optimizer]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, VARIABLES):
            found.append(value)
        elif isinstance(value, list | tuple):
            todo += value
        elif isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, keras.optimizers.Optimizer):
            todo += vars(value).values()
    return found


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_variable_of_an_optimizer_is_missed(name, scaled):
    optimizer = OPTIMIZERS[name]()
    if scaled and name not in ("LossScaleOptimizer", "MultiOptimizer"):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    network.compile(optimizer, "mse")
    optimizer.build(network.trainable_variables)
    found = {id(each) for each in variables_of_optimizer(network)}
    network_has = {id(each) for each in network.variables}
    assert {id(each) for each in everything(optimizer)} - network_has <= found
    assert not found & network_has


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("given", ["parameter", "in the optimizer"])
def test_warm_start_takes_a_new_learning_rate(dtype, given):
    def rate(value):
        if given == "parameter":
            return {"optimizer": "sgd", "learning_rate": value}
        return {"optimizer": keras.optimizers.SGD(value)}

    net = DenseClassifier(dtype=dtype, epochs=1, random_state=0, warm_start=True)
    net.set_params(**rate(0.1)).fit(X, Y)
    before = [np.array(value) for value in net._network.state["network"]]
    net.set_params(**rate(1e-9)).fit(X, Y)
    for value, old in zip(net._network.state["network"], before, strict=True):
        np.testing.assert_allclose(value, old, atol=1e-7)
    net.set_params(**rate(0.1)).fit(X, Y)
    moved = np.abs(net._network.state["network"][0] - before[0]).max()
    assert moved > 1e-5


def test_names_excluded_from_weight_decay_stay_excluded():
    def decaying(*names):
        optimizer = keras.optimizers.AdamW(1e-6, weight_decay=9.0)
        if names:
            optimizer.exclude_from_weight_decay(var_names=list(names))
        return optimizer

    def norm(optimizer, change=lambda net: net):
        net = change(DenseClassifier(optimizer=optimizer, epochs=400, random_state=0))
        return float(np.abs(net.fit(X, Y)._network.state["network"][0]).sum())

    shrunk = norm(decaying())
    assert norm(decaying("bias")) == shrunk
    for change in (lambda net: net, clone, copy.deepcopy, by_pickle):
        assert norm(decaying("kernel"), change) > 1.0005 * shrunk


def by_pickle(net):
    return pickle.loads(pickle.dumps(net))


def test_variables_excluded_from_weight_decay_are_refused():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    optimizer = keras.optimizers.AdamW(weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_list=[layer.kernel])
    with pytest.raises(ValueError, match="give var_names"):
        DenseClassifier(optimizer=optimizer).fit(X, Y)


@pytest.mark.parametrize(
    "optimizer", ["MultiOptimizer", "LossScaleOptimizer", "Optimizer"]
)
@pytest.mark.parametrize("form", [str, dict, type])
def test_an_optimizer_that_needs_more_is_refused_in_a_sentence(optimizer, form):
    kind = getattr(keras.optimizers, optimizer, None)
    if kind is None:
        kind, optimizer = keras.optimizers.LossScaleOptimizer, "LossScaleOptimizer"
    given = {
        str: optimizer,
        dict: {"class_name": optimizer, "config": {}},
        type: kind,
    }[form]
    for rate in (None, 0.1):
        with pytest.raises(ValueError, match="parameter of DenseClassifier must be"):
            DenseClassifier(optimizer=given, learning_rate=rate).fit(X, Y)


def decaying(rate=0.1):
    return keras.optimizers.schedules.ExponentialDecay(rate, 10, 0.9)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"optimizer": keras.optimizers.SGD(decaying())}, {"learning_rate": 0.1}),
        ({"learning_rate": 0.1}, {"learning_rate": None}),
        ({"learning_rate": decaying()}, {"learning_rate": decaying(0.2)}),
        ({"optimizer": {"class_name": "SGD", "config": {}}}, {"learning_rate": 0.3}),
    ],
    ids=["from an object's", "to an object's", "another", "from a config's"],
)
def test_warm_start_goes_between_schedules_and_numbers(first, then, dtype):
    scheduled = {"optimizer": keras.optimizers.SGD(decaying())}
    given = {**scheduled, **first} if then == {"learning_rate": None} else first
    net = DenseClassifier(epochs=1, random_state=0, warm_start=True, dtype=dtype)
    net.set_params(**given).fit(X, Y)
    before = [np.array(value) for value in net._network.state["network"]]
    net.set_params(**then).fit(X, Y)
    assert len(net.history_["loss"]) == 2
    moved = np.abs(net._network.state["network"][0] - before[0]).max()
    assert moved > 0
