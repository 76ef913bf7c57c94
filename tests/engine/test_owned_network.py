"""What an estimator does where threads share its `model_`, or its holder changes it."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import keras
import numpy as np
import pytest
from sklearn.base import clone

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.networks._recipes import NetworkRecipe

N_THREADS = 8


@pytest.fixture(scope="module")
def data(digits):
    X, _, y, _ = digits
    return X[:300], y[:300]


def dense(**options):
    options = {"hidden_size": (16, 8), "dropout": 0.3, "random_state": 0, **options}
    return DenseClassifier(epochs=1, batch_size=32, **options)


@pytest.fixture
def net(data):
    """A fitted net that nobody has changed."""
    return copy.deepcopy(_fitted(data))


_kept = []


def _fitted(data):
    if not _kept:
        _kept.append(dense().fit(*data))
    return _kept[0]


def at_once(*works):
    """Run the works in threads that start together; their results, in order."""
    start = threading.Barrier(len(works))

    def run(work):
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


# -- threads ----------------------------------------------------------------------


def test_threads_that_ask_for_model_get_one(net, monkeypatch):
    made = []
    new_network = NetworkRecipe.new_network

    def counted(recipe, compiled=True):
        if compiled:
            made.append(threading.get_ident())
        return new_network(recipe, compiled)

    monkeypatch.setattr(NetworkRecipe, "new_network", counted)
    models = at_once(*[lambda: net.model_] * N_THREADS)
    assert all(each is models[0] for each in models)
    assert len(made) == 1


def test_threads_that_use_an_estimator_while_its_model_is_made(data, net):
    X = data[0]
    expected = net.predict_proba(X)
    weights = [value.copy() for value in net._network.state["network"]]
    for _ in range(3):
        each = copy.deepcopy(net)
        results = at_once(
            lambda each=each: each.model_,
            *[lambda each=each: each.predict_proba(X)] * 3,
            *[lambda each=each: each._network.state] * 2,
            lambda each=each: pickle.loads(pickle.dumps(each)).predict_proba(X),
            lambda each=each: copy.deepcopy(each)._network.state,
            lambda each=each: each.model_,
        )
        assert results[0] is results[-1] is each.model_
        for given in (*results[1:4], results[6]):
            np.testing.assert_array_equal(given, expected)
        for state in (results[4], results[5], results[7]):
            assert "optimizer" in state
            for one, other in zip(state["network"], weights, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("held", [False, True])
def test_copies_have_locks_of_their_own(data, net, held):
    if held:
        assert net.model_ is net.model_
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        with net._network._lock:
            (model,) = at_once(lambda twin=twin: twin.model_)
        assert model is not net.model_


# -- changes of structure ---------------------------------------------------------


def first(model):
    return model.get_layer("hidden_1")


def add(model):
    model.add(keras.layers.Dense(10, "softmax", kernel_initializer="ones", name="more"))


def swap(model):
    """Another layer in the last one's place, like it but for its weights."""
    model.pop()
    model.add(keras.layers.Dense(10, activation="softmax", name="output"))


def lora(model):
    first(model).enable_lora(2)
    first(model).lora_kernel_b.assign(np.ones((2, 16)))


def call_of_its_own(model):
    first(model).call = lambda inputs, training=None: keras.ops.ones((len(inputs), 16))


# name: (what is done, what the message says)
OTHER_OUTPUTS = {
    "activation": (
        lambda model: setattr(first(model), "activation", keras.activations.tanh),
        "the activation of its layer 'hidden_1' is tanh, and was relu",
    ),
    "function": (
        lambda model: setattr(first(model), "activation", lambda x: x * 0.5),
        "the activation of its layer 'hidden_1' is <lambda>, and was relu",
    ),
    "add": (add, "its layers are .*more.*, and were"),
    "pop and add": (
        lambda model: (model.pop(), add(model)),
        "its layers are .*, and were",
    ),
    "swap": (swap, "layers like its own were put in their place"),
    "lora": (
        lora,
        "the lora_rank of its layer 'hidden_1' is 2, and was None",
    ),
    "quantize": (
        lambda model: model.quantize("int8"),
        "the dtype policy of its layer 'hidden_1' is int8_from_float32",
    ),
    "dtype": (
        lambda model: setattr(first(model), "dtype_policy", "mixed_bfloat16"),
        "the dtype policy of its layer 'hidden_1' is mixed_bfloat16, and was float32",
    ),
    "call": (call_of_its_own, "the call of its layer 'hidden_1' is <lambda>"),
    "no bias": (
        lambda model: setattr(first(model), "bias", None),
        "the bias of its layer 'hidden_1' is None, and was Variable",
    ),
}
OTHER_TRAINING = {
    "freeze": (
        lambda model: setattr(first(model), "trainable", False),
        "its layer 'hidden_1' is frozen",
    ),
    "freeze all": (
        lambda model: setattr(model, "trainable", False),
        "its layer 'hidden_1' is frozen",
    ),
    "freeze a kernel": (
        lambda model: setattr(first(model).kernel, "trainable", False),
        "the variables' settings of its layer 'hidden_1' changed",
    ),
    "dropout": (
        lambda model: setattr(model.get_layer("dropout_1"), "rate", 0.9),
        "the rate of its layer 'dropout_1' is 0.9, and was 0.3",
    ),
    "regularizer": (
        lambda model: setattr(
            first(model), "kernel_regularizer", keras.regularizers.L2(0.1)
        ),
        "the kernel_regularizer of its layer 'hidden_1' is",
    ),
    "optimizer": (
        lambda model: setattr(model.optimizer, "beta_1", 0.5),
        "the beta_1 of its optimizer is 0.5, and was 0.9",
    ),
    "schedule": (
        lambda model: setattr(
            model.optimizer,
            "learning_rate",
            keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9),
        ),
        "the learning rate of its optimizer is a schedule, and was a number",
    ),
    "train step": (
        lambda model: setattr(model, "train_step", lambda data: {}),
        "its train_step is another",
    ),
}
CHANGES = {**OTHER_OUTPUTS, **OTHER_TRAINING}


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("seen", [False, True], ids=["", "after a prediction"])
@pytest.mark.parametrize("name", OTHER_OUTPUTS)
def test_predictions_follow_what_model_became(data, net, name, seen):
    X = data[0]
    before = net.predict_proba(X)
    assert net.model_ is net.model_
    if seen:
        np.testing.assert_array_equal(net.predict_proba(X), before)
    OTHER_OUTPUTS[name][0](net.model_)
    # As Keras has it, layer by layer and now, not as it was traced before.
    expected = np.asarray(net.model_(X, training=False))
    given = net.predict_proba(X)
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-6)
    assert given.dtype == before.dtype
    assert not np.array_equal(given, before)
    np.testing.assert_array_equal(net.predict(X), net.classes_[given.argmax(axis=1)])
    # A row does not depend on its company.
    np.testing.assert_array_equal(net.predict_proba(X[7:8]), given[7:8])
    np.testing.assert_array_equal(net.predict_proba(X[100::-1]), given[100::-1])


@pytest.mark.parametrize("name", OTHER_TRAINING)
def test_changes_of_training_alone_leave_predictions_as_they_were(data, net, name):
    X, _ = data
    before = net.predict_proba(X)
    OTHER_TRAINING[name][0](net.model_)
    np.testing.assert_array_equal(net.predict_proba(X), before)


def in_file(net, tmp_path, data):
    net.save(tmp_path / "net.safetensors")


# Whatever makes another estimator of this one, or trains it further.
NEEDS_THE_ARRAYS = {
    "partial_fit": lambda net, _, data: net.partial_fit(*data),
    "warm start": lambda net, _, data: net.set_params(warm_start=True).fit(*data),
    "warm start with another optimizer": lambda net, _, data: net.set_params(
        warm_start=True, optimizer="sgd"
    ).fit(*data),
    "save": in_file,
    "pickle": lambda net, _, data: pickle.dumps(net),
    "joblib": lambda net, path, data: joblib.dump(net, path / "net.joblib"),
    "deepcopy": lambda net, _, data: copy.deepcopy(net),
}


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("name", CHANGES)
def test_what_can_not_be_kept_is_refused_in_a_sentence(data, net, tmp_path, name):
    change, said = CHANGES[name]
    model = net.model_
    change(model)
    before = net.predict_proba(data[0])
    for use in NEEDS_THE_ARRAYS.values():
        options = net.get_params()
        with pytest.raises((ValueError, TypeError), match=said) as caught:
            use(net, tmp_path, data)
        assert 'model_.save("net.keras")' in str(caught.value)
        assert "clone" in str(caught.value)
        assert "\n" not in str(caught.value)
        net.set_params(**options)
        # As before the call, and the model with it.
        assert net.model_ is model
        np.testing.assert_array_equal(net.predict_proba(data[0]), before)
    assert not any(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("name", ["activation", "pop and add", "freeze"])
def test_fit_and_clone_start_anew(data, net, name):
    X, y = data
    expected = dense().fit(X, y).predict_proba(X)
    CHANGES[name][0](net.model_)
    for fresh in (clone(net), net):
        np.testing.assert_array_equal(fresh.fit(X, y).predict_proba(X), expected)
        fresh.partial_fit(X, y)


def test_what_is_undone_is_no_change(data, net, tmp_path):
    X, y = data
    twin, model = copy.deepcopy(net), net.model_
    first(model).activation = keras.activations.tanh
    first(model).trainable = False
    assert not np.array_equal(net.predict_proba(X), twin.predict_proba(X))
    first(model).activation = keras.activations.relu
    first(model).trainable = True
    for way in NEEDS_THE_ARRAYS.values():
        way(net, tmp_path, (X, y))
        way(twin, tmp_path, (X, y))
        np.testing.assert_array_equal(net.predict_proba(X), twin.predict_proba(X))
    net.model_.layers[0].note = "mine"
    pickle.dumps(net)


def loaded(model, X, y, tmp_path):
    other = keras.models.clone_model(model)
    other.save_weights(tmp_path / "net.weights.h5")
    model.load_weights(tmp_path / "net.weights.h5")


VALUES = {
    "weights": lambda model, *_: model.set_weights(
        [value * 0.5 for value in model.get_weights()]
    ),
    "weights of a file": loaded,
    "trained": lambda model, X, y, _: model.fit(X, y, verbose=0),
    "compiled anew": lambda model, X, y, _: model.compile("sgd", "mse"),
    "compiled and trained": lambda model, X, y, _: (
        model.compile("sgd", "sparse_categorical_crossentropy"),
        model.fit(X, y, verbose=0),
    ),
    "learning rate": lambda model, *_: setattr(model.optimizer, "learning_rate", 0.5),
    "used": lambda model, X, y, _: (
        model.predict(X, verbose=0),
        model.evaluate(X, y, verbose=0),
        model(X[:1]),
        model.summary(print_fn=lambda *_: None),
        keras.Model(model.inputs[0], model.layers[0].output)(X[:1]),
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_may_be_changed(data, net, tmp_path, name):
    X, y = data
    model = net.model_
    VALUES[name](model, X, y, tmp_path)
    expected = np.asarray(model(X, training=False))
    np.testing.assert_allclose(net.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    twin = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(twin.predict_proba(X), net.predict_proba(X))
    in_file(net, tmp_path, data)
    for each in (net, twin):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(twin.predict_proba(X), net.predict_proba(X))


# name: (what is done to the model, what the message says)
UNFIT = {
    "other outputs": (
        lambda model: model.add(keras.layers.Dense(3, name="three")),
        r"gives \(300, 3\) for outputs of \(300, 10\)",
    ),
    "pop": (
        lambda model: model.pop(),
        r"gives \(300, 8\) for outputs of \(300, 10\)",
    ),
    "images": (
        lambda model: model.add(keras.layers.Reshape((5, 2))),
        r"gives \(300, 5, 2\) for outputs of \(300, 10\)",
    ),
    "no softmax": (
        lambda model: setattr(model.layers[-1], "activation", None),
        "gives no probabilities",
    ),
    "sigmoid": (
        lambda model: setattr(
            model.layers[-1], "activation", keras.activations.sigmoid
        ),
        "gives probabilities that don't sum to 1",
    ),
    "dies": (
        lambda model: setattr(first(model), "activation", lambda x: 1 / 0),
        r"fails \(.*division by zero",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit_the_estimator_any_more_is_refused(data, net, name):
    change, said = UNFIT[name]
    change(net.model_)
    for predict in (net.predict, net.predict_proba):
        with pytest.raises(ValueError, match=said) as caught:
            predict(data[0])
        assert "model_ of DenseClassifier was changed" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="model_ of DenseClassifier"):
        net.partial_fit(*data)


@pytest.mark.parametrize(
    "net",
    [
        CNNClassifier(filters=4, hidden_size=8, epochs=1, random_state=0),
        DenseRegressor(hidden_size=8, epochs=1, random_state=0),
        DenseRegressor(hidden_size=8, epochs=1, dtype="float64", random_state=0),
        DenseClassifier(
            hidden_size=8, epochs=1, dtype="mixed_bfloat16", random_state=0
        ),
    ],
    ids=["cnn", "regressor", "float64", "mixed"],
)
def test_every_estimator_follows(data, net):
    X, y = data
    net = clone(net).fit(X, y)
    model = net.model_
    hidden = next(each for each in model.layers if hasattr(each, "activation"))
    before = net.predict(X[:5])
    hidden.activation = keras.activations.tanh
    images = X[:5].reshape(-1, *model.input_shape[1:])
    raw = np.asarray(model(images, training=False))
    expected = raw[:, 0] if net.__class__ is DenseRegressor else raw.argmax(axis=1)
    np.testing.assert_allclose(net.predict(X[:5]), expected, rtol=1e-4)
    assert net.predict(X[:5]).dtype == before.dtype


class Changes(keras.callbacks.Callback):
    """Changes the network while it is trained."""

    def __init__(self, change=None):
        super().__init__()
        self.change = change

    def on_train_end(self, logs=None):
        if self.change is not None:
            self.change(self.model)


def test_a_network_that_a_callback_left_as_it_was(data):
    X, y = data
    net = dense(callbacks=Changes()).fit(X, y)
    np.testing.assert_array_equal(net.predict_proba(X), _fitted(data).predict_proba(X))
    net = pickle.loads(pickle.dumps(net)).partial_fit(X, y)
    first(net.model_).activation = keras.activations.tanh
    with pytest.raises(ValueError, match="activation of its layer 'hidden_1'"):
        net.partial_fit(X, y)


@pytest.mark.parametrize("name", ["activation", "freeze", "dropout", "optimizer"])
def test_a_network_that_a_callback_changed(data, name):
    X, y = data
    change, said = CHANGES[name]
    net = dense(callbacks=Changes(change)).fit(X, y)
    expected = np.asarray(net.model_(X, training=False))
    np.testing.assert_allclose(net.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    if name != "optimizer":
        # What a callback does to the optimizer is done for that training.
        with pytest.raises(ValueError, match=said):
            net.partial_fit(X, y)


def test_functions_made_anew_for_each_network_are_no_change(data):
    X, y = data

    def scaled(factor):
        return lambda x: factor * keras.activations.relu(x)

    for factor in (0.5, 2.0):
        net = dense(activation=scaled(factor), callbacks=Changes()).fit(X, y)
        net.partial_fit(X, y)
        first(net.model_).activation = scaled(factor)
        net.partial_fit(X, y)
        first(net.model_).activation = scaled(3.0)
        with pytest.raises(ValueError, match="activation of its layer 'hidden_1'"):
            net.partial_fit(X, y)


# -- another learning rate --------------------------------------------------------


def test_another_learning_rate_makes_no_network(data, monkeypatch):
    net = dense().fit(*data)
    made = []
    original = NetworkRecipe.new_network
    monkeypatch.setattr(
        NetworkRecipe,
        "new_network",
        lambda *args, **options: made.append(1) or original(*args, **options),
    )
    net.set_params(learning_rate=0.25).partial_fit(*data)
    assert made == []
    assert net._network.recipe.initial_learning_rate == 0.25
    assert float(net.model_.optimizer.learning_rate.numpy()) == 0.25


def test_another_learning_rate_after_the_holder_compiled_anew(data, net):
    net.model_.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    net.set_params(learning_rate=0.25).partial_fit(*data)
    assert float(net.model_.optimizer.learning_rate.numpy()) == 0.25
