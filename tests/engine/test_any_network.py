"""Networks of any form are trained as `keras.Model.fit` does, on the same batches."""

import pickle
from collections import OrderedDict
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from any_networks import (
    IMAGES,
    LABELS,
    NARROW,
    NUMBERS,
    SEQUENCES,
    TOKENS,
    WEIGHTS,
    WIDE,
    N,
    OwnLogs,
    OwnLoss,
    OwnStep,
    OwnTracker,
    assert_alike,
    augmented,
    by_keras,
    embedded,
    nested,
    of_code,
    penalised,
    recipe_of,
    recurrent,
    two_heads,
    two_of_code,
)

from sknn_mnist import clear_network_pool
from sknn_mnist.engine import _keras_fit, _loop, _pool
from sknn_mnist.engine._keras_fit import needs_keras_fit
from sknn_mnist.engine._owned_network import OwnedNetwork
from sknn_mnist.engine._plan import Samples, TrainingPlan
from sknn_mnist.engine._specs import LEAST_ROWS, MOST_ROWS, rows_at_once
from sknn_mnist.engine._training import split_validation, train
from sknn_mnist.memory._fingerprints import training_key
from sknn_mnist.memory._stores import open_memory
from sknn_mnist.networks import build_dense
from sknn_mnist.networks._recipes import NetworkRecipe

BOTH = ([WIDE, NARROW], [LABELS, NUMBERS])
NAMED = ({"wide": WIDE, "narrow": NARROW}, {"kind": LABELS, "size": NUMBERS})
BOTH_SPEC = [tf.TensorSpec([None, 9]), tf.TensorSpec([None, 4])]
NAMED_SPEC = {"wide": BOTH_SPEC[0], "narrow": BOTH_SPEC[1]}
LOSSES = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
HEADS = {"kind": ["accuracy"], "size": ["mae", "mse"]}
ONE_INPUT = tf.TensorSpec([None, 9])

# name: (function, X, y, input_spec)
NETWORKS = {
    "lists": (two_heads, *BOTH, BOTH_SPEC),
    "lists with weights": (
        partial(
            two_heads, loss_weights=[1.0, 0.2], weighted_metrics=[["accuracy"], ["mse"]]
        ),
        *BOTH,
        BOTH_SPEC,
    ),
    "lists by name": (
        partial(
            two_heads,
            loss=LOSSES,
            metrics=HEADS,
            loss_weights={"kind": 2.0, "size": 0.1},
        ),
        *BOTH,
        BOTH_SPEC,
    ),
    "dicts": (
        partial(two_heads, True, True, loss=LOSSES, metrics=HEADS),
        *NAMED,
        NAMED_SPEC,
    ),
    "dicts to lists": (
        partial(two_heads, loss=LOSSES, metrics=HEADS),
        *NAMED,
        NAMED_SPEC,
    ),
    "one loss for both": (
        partial(two_heads, loss="mse", metrics=None),
        BOTH[0],
        [np.eye(3, dtype="float32")[LABELS], NUMBERS],
        BOTH_SPEC,
    ),
    "two losses of one output": (
        partial(of_code, loss=["sparse_categorical_crossentropy"] * 2),
        WIDE,
        LABELS,
        ONE_INPUT,
    ),
    "code": (of_code, WIDE, LABELS, ONE_INPUT),
    "code of two": (two_of_code, *NAMED, NAMED_SPEC),
    "own loss": (partial(of_code, OwnLoss), WIDE, LABELS, ONE_INPUT),
    "own logs": (partial(of_code, OwnLogs), WIDE, LABELS, ONE_INPUT),
    "own tracker": (partial(of_code, OwnTracker), WIDE, LABELS, ONE_INPUT),
    "add_loss": (penalised, WIDE, LABELS, None),
    "nested": (nested, WIDE, LABELS, None),
    "recurrent": (recurrent, SEQUENCES, LABELS, None),
    "embedding": (embedded, TOKENS, LABELS, None),
    "images": (augmented, IMAGES, LABELS, None),
}
if keras.__version__.startswith("3.6."):  # the oldest, which itself refuses them
    del NETWORKS["dicts to lists"], NETWORKS["two losses of one output"]

# Those that `keras.Model.fit` must train.
BY_KERAS = {
    "own step": partial(of_code, OwnStep),
    "eager": partial(of_code, run_eagerly=True),
    "steps": partial(of_code, steps_per_execution=2),
    "xla": partial(of_code, jit_compile=True),
}


def plan_of(x, y, sample_weight=None, **options):
    options = {"batch_size": 32, "epochs": 3, "shuffle": False, **options}
    return TrainingPlan(Samples(x, y, sample_weight), **options)


def some(nest, rows=slice(40)):
    return keras.tree.map_structure(lambda each: each[rows], nest)


@pytest.fixture
def keras_fits(monkeypatch):
    """Calls of `keras.Model.fit`, as they come."""
    calls = []
    original = keras.Model.fit
    monkeypatch.setattr(
        keras.Model, "fit", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    return calls


@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_is_trained_as_keras_trains_it(name, keras_fits):
    builder, x, y, spec = NETWORKS[name]
    recipe = recipe_of(builder, spec)
    _, state, history = by_keras(
        recipe, x, y, held_out=(some(x), some(y)), validation_batch_size=16
    )
    keras_fits.clear()
    held_out = Samples(some(x), some(y))
    trained = train(
        recipe,
        None,
        plan_of(x, y, validation_data=held_out, validation_batch_size=16),
    )
    assert not keras_fits
    assert_alike(trained, state, history)


@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.parametrize("name", ["lists with weights", "dicts", "code", "own loss"])
def test_weights_of_samples_are_those_of_keras(name):
    builder, x, y, spec = NETWORKS[name]
    recipe = recipe_of(builder, spec)
    _, state, history = by_keras(recipe, x, y, WEIGHTS)
    assert_alike(train(recipe, None, plan_of(x, y, WEIGHTS)), state, history)


@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.parametrize("name", BY_KERAS)
def test_what_has_a_course_of_its_own_is_left_to_keras(name, keras_fits):
    recipe = recipe_of(BY_KERAS[name], ONE_INPUT)
    _, state, history = by_keras(recipe, WIDE, LABELS)
    keras_fits.clear()
    trained = train(recipe, None, plan_of(WIDE, LABELS))
    assert keras_fits == [1]
    assert_alike(trained, state, history)
    assert trained.model is not None  # nobody else's


def test_what_keras_trains_takes_the_batches_of_the_loop():
    plan = plan_of(WIDE, LABELS, shuffle=True, seed=5)
    by_loop = train(recipe_of(of_code, ONE_INPUT), None, plan)
    by_fit = train(recipe_of(BY_KERAS["eager"], ONE_INPUT), None, plan)
    assert_alike(by_fit, by_loop.state, by_loop.history)


def test_xla_that_keras_chooses_by_itself_is_none_that_was_asked_for(monkeypatch):
    """As on a GPU, where `jit_compile="auto"` becomes True."""
    assert not needs_keras_fit(of_code())
    with_xla = of_code(jit_compile=True)
    assert needs_keras_fit(with_xla)
    monkeypatch.setattr(_keras_fit, "keras_chooses_xla", lambda: True)
    assert not needs_keras_fit(with_xla)


@pytest.mark.usefixtures("empty_pool")
def test_what_keras_trains_has_no_memory_and_no_place_in_the_pool(
    monkeypatch, tmp_path, keras_fits
):
    monkeypatch.setattr(_loop, "needs_keras_fit", lambda network: True)
    monkeypatch.setattr(_pool, "_by_keras", OrderedDict())
    plan = plan_of(WIDE, LABELS, memory=open_memory(tmp_path, "test"))
    with pytest.warns(UserWarning, match="trains without its memory: run_eagerly"):
        first = train(own_recipe(), None, plan)
    second = train(own_recipe(), None, plan_of(WIDE, LABELS))
    assert keras_fits == [1, 1]
    assert first.model is not second.model
    assert not _pool._idle


def test_code_is_run_anew_by_each_fit_and_not_only_to_be_looked_at():
    made = []

    def builder():
        made.append(1)
        return of_code()

    class Sees(keras.callbacks.Callback):
        pass

    recipe = recipe_of(builder, ONE_INPUT)
    network, _ = OwnedNetwork(recipe).trained(plan_of(WIDE, LABELS, callbacks=[Sees()]))
    assert made == [1]
    # Of another name in each network that Keras makes, and unchanged all the same.
    assert network.state["network"]
    assert made == [1]
    network.model.hidden.activation = keras.activations.tanh
    with pytest.raises(ValueError, match=r"activation of its layer .* is tanh"):
        network.state  # noqa: B018
    assert made == [1]


@pytest.mark.parametrize("by", ["list", "dict"])
def test_a_loss_that_does_not_fit_the_outputs_is_named(by):
    losses = ["mse"] * 3 if by == "list" else {"kind": "mse", "other": "mse"}
    recipe = recipe_of(partial(two_heads, loss=losses, metrics=None), BOTH_SPEC)
    with pytest.raises(ValueError, match="'loss' parameter of test must name losses"):
        train(recipe, None, plan_of(*BOTH))


# -- initial values -------------------------------------------------------------------


def test_initial_values_are_where_training_starts():
    start = [np.full(each.shape, 0.1, each.dtype) for each in recurrent().variables]
    recipe = recipe_of(recurrent, initial=tuple(start))
    network = recurrent()
    for variable, value in zip(network.variables, start, strict=True):
        variable.assign(value)
    network.fit(SEQUENCES, LABELS, batch_size=32, shuffle=False, verbose=0)
    owned, trained = OwnedNetwork(recipe).trained(plan_of(SEQUENCES, LABELS, epochs=1))
    for one, other in zip(trained.state["network"], network.variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    # What is trained has no use for them.
    assert owned.recipe.initial is None
    assert pickle.loads(pickle.dumps(OwnedNetwork(recipe))).recipe.initial is not None


def own_recipe(seed=0, initial=None):
    return NetworkRecipe(
        build_dense,
        {
            "input_shape": (9,),
            "n_outputs": 3,
            "output_activation": "softmax",
            "hidden_size": 4,
            "dtype": "float32",
        },
        {
            "optimizer": "adam",
            "learning_rate": 0.01,
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        "test",
        seed,
        initial=initial,
    )


@pytest.mark.usefixtures("empty_pool")
@pytest.mark.exact
def test_pooled_networks_start_where_each_recipe_says():
    plan = plan_of(WIDE, LABELS)
    by_seed = train(own_recipe(), None, plan).state["network"]
    clear_network_pool()
    start = tuple(np.full_like(np.asarray(each), 0.1) for each in by_seed)
    given = own_recipe(initial=start)
    first = train(given, None, plan).state["network"]
    # The pool has one network now, which `given` has made.
    again = train(own_recipe(), None, plan).state["network"]
    once_more = train(given, None, plan).state["network"]
    for one, other in zip(by_seed, again, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other, seeded in zip(first, once_more, by_seed, strict=True):
        np.testing.assert_array_equal(one, other)
        assert not np.array_equal(one, seeded)


# -- predictions ----------------------------------------------------------------------


@pytest.mark.exact
@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_are_those_of_keras_and_alike_in_any_company(name):
    builder, x, y, spec = NETWORKS[name]
    recipe = recipe_of(builder, spec)
    network, _ = OwnedNetwork(recipe).trained(plan_of(x, y, epochs=1))
    whole = network.predict(x)
    expected = network.model.predict(x, verbose=0)
    keras.tree.assert_same_structure(whole, expected)
    keras.tree.map_structure(
        partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), whole, expected
    )
    order = np.random.default_rng(1).permutation(N)
    for rows in ([7], slice(3, 20), order):
        for most_rows in (None, 16):
            got = network.predict(some(x, rows), most_rows)
            keras.tree.map_structure(
                np.testing.assert_array_equal, got, some(whole, rows)
            )


def test_sequences_of_any_length_are_predicted():
    network, _ = OwnedNetwork(recipe_of(recurrent)).trained(
        plan_of(SEQUENCES, LABELS, epochs=1)
    )
    for length in (1, 4, 6):
        x = SEQUENCES[:, :length]
        whole = network.predict(x)
        np.testing.assert_array_equal(network.predict(x[5:6]), whole[5:6])
        np.testing.assert_allclose(whole, network.model.predict(x, verbose=0), 1e-4)


# -- outputs of layers ----------------------------------------------------------------


@pytest.mark.parametrize("held", [False, True], ids=["", "after model_"])
@pytest.mark.parametrize("layer", ["shared", 1, "base", -2])
def test_outputs_of_a_layer_within(layer, held):
    recipe = recipe_of(nested)
    network, _ = OwnedNetwork(recipe).trained(plan_of(WIDE, LABELS, epochs=1))
    if held:
        network.model.set_weights([each * 0.5 for each in network.model.get_weights()])
    got = network.outputs_of(layer, WIDE)
    model = network.model
    first = model.get_layer("shared")(WIDE)
    if layer in ("shared", 1):
        expected = first
    else:
        expected = model.get_layer("base")(model.get_layer("shared")(first))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(network.outputs_of(layer, WIDE[3:4]), got[3:4])
    # By the layers as they are, when the user has changed them.
    model.get_layer("shared").activation = keras.activations.relu
    changed = network.outputs_of("shared", WIDE)
    np.testing.assert_allclose(changed, model.get_layer("shared")(WIDE), rtol=1e-4)


def test_outputs_of_a_layer_of_several_inputs():
    for builder, x, y, spec in (NETWORKS["lists"], NETWORKS["dicts"]):
        recipe = recipe_of(builder, spec)
        network, _ = OwnedNetwork(recipe).trained(plan_of(x, y, epochs=1))
        whole = network.predict(x)
        kind = whole["kind"] if isinstance(whole, dict) else whole[0]
        np.testing.assert_allclose(network.outputs_of("kind", x), kind, rtol=1e-5)


@pytest.mark.parametrize("layer", ["nothing", 99, -9])
def test_a_layer_that_is_not_there_is_refused(layer):
    network = OwnedNetwork(recipe_of(nested))
    with pytest.raises(ValueError, match=r"has no layer .*shared, base, "):
        network.outputs_of(layer, WIDE)


def test_layers_of_code_are_refused():
    network = OwnedNetwork(recipe_of(of_code, ONE_INPUT))
    with pytest.raises(ValueError, match=r"is a Code, whose layers Code\.call alone"):
        network.outputs_of(0, WIDE)


# -- what the user makes of a model ---------------------------------------------------


@pytest.mark.parametrize("name", ["lists", "dicts", "code of two"])
def test_predictions_follow_a_model_of_several_outputs(name):
    builder, x, y, spec = NETWORKS[name]
    network, _ = OwnedNetwork(recipe_of(builder, spec)).trained(plan_of(x, y, epochs=1))
    model = network.model
    head = model.kind if name == "code of two" else model.get_layer("kind")
    head.activation = keras.activations.sigmoid
    if name != "code of two":  # of code nobody knows what comes out
        with pytest.raises(ValueError, match="gives probabilities that don't sum to 1"):
            network.predict(x)
    head.activation = doubly_soft
    got = network.predict(x)
    expected = model(x, training=False)
    keras.tree.map_structure(
        partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), got, expected
    )
    head.activation = lambda values: keras.ops.concatenate([values, values], axis=1)
    with pytest.raises(ValueError, match=r"gives \(150, 6\) for outputs of \(150, 3\)"):
        network.predict(x)


def doubly_soft(values):
    return keras.ops.softmax(2.0 * values)


# -- sizes and keys -------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_at_once_are_known_of_any_network(name):
    builder, x, _, _ = NETWORKS[name]
    n_rows = rows_at_once(builder(), x)
    assert LEAST_ROWS <= n_rows <= MOST_ROWS


def test_large_maps_are_few_rows_of_code_too():
    class Wide(keras.Model):
        def call(self, inputs):
            return keras.ops.repeat(inputs, 2**18, axis=1)

    network = Wide()
    network(WIDE[:1])
    assert rows_at_once(network, WIDE) == LEAST_ROWS


def test_keys_cover_what_a_training_starts_from():
    def key(x=WIDE, y=LABELS, recipe=None, **options):
        given = {"batch_size": 8, "shuffle": True, "seed": 0, **options}
        return training_key(recipe or own_recipe(), (x, y, None), None, **given)

    start = tuple(np.zeros(3, "float32") for _ in range(2))
    other = (start[0], start[1] + 1)
    keys = [
        key(),
        key([WIDE]),
        key({"a": WIDE}),
        key({"b": WIDE}),
        key([WIDE, NARROW]),
        key([NARROW, WIDE]),
        key(y=[LABELS]),
        key(recipe=own_recipe(initial=start)),
        key(recipe=own_recipe(initial=other)),
        key(validation_batch_size=3),
        key(validation_batch_size=4),
    ]
    assert len(set(keys)) == len(keys)
    assert key((WIDE,)) == key([WIDE])
    assert key({"a": WIDE, "b": LABELS}) == key({"b": LABELS, "a": WIDE})


def test_a_split_takes_the_same_rows_of_all_arrays():
    nests = [[WIDE, NARROW], {"kind": LABELS}, None]
    (x, y, none), (held_x, held_y, _) = split_validation(nests, 0.2, "test")
    assert none is None
    np.testing.assert_array_equal(x[1], NARROW[:120])
    np.testing.assert_array_equal(held_x[0], WIDE[120:])
    np.testing.assert_array_equal(y["kind"], LABELS[:120])
    np.testing.assert_array_equal(held_y["kind"], LABELS[120:])
