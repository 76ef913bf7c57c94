"""Every loss of Keras: trains what suits it as Keras does, or is refused before."""

import inspect

import keras
import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor
from sklearn.neural_network import MLPRegressor

import sknn_mnist
from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor
from sknn_mnist.builders import build_dense
from sknn_mnist.engine import _training
from sknn_mnist.estimators._loss_targets import family_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype("float32")
WAVE = np.exp(X[:, 0])
Y = {
    "numbers": X[:, 0] - X[:, 1],
    "several": np.column_stack([X[:, 0], X[:, 1]]),
    "positive": WAVE,
    "several positive": np.column_stack([WAVE, np.exp(X[:, 1])]),
    "shares": 1 / (1 + np.exp(-X[:, 0])),
    "distributions": np.exp(X[:, :3]) / np.exp(X[:, :3]).sum(axis=1, keepdims=True),
    "two classes": (X[:, 0] + X[:, 1] > 0).astype(int),
    "three classes": np.digitize(X[:, 0], [-0.5, 0.5]),
    "one-hot": np.eye(3, dtype=int)[np.digitize(X[:, 0], [-0.5, 0.5])],
    "indicators": (X[:, :3] > 0).astype(int),
}
NUMBERS = ["numbers", "several", "positive", "several positive", "shares"]
NUMBERS += ["distributions"]
CLASSES = ["two classes", "three classes", "one-hot", "indicators"]
ANY_NUMBERS = set(NUMBERS)
DISTRIBUTIONS = {"distributions"}
ANY_CLASSES = set(CLASSES)
ONE_CLASS = ANY_CLASSES - {"indicators"}

# Of each loss of Keras, which of the targets above it trains.
TAKES = {
    "BinaryCrossentropy": {
        *("shares", "distributions"),
        *("two classes", "one-hot", "indicators"),
    },
    "BinaryFocalCrossentropy": {"two classes", "one-hot", "indicators"},
    "CTC": set(),
    "CategoricalCrossentropy": DISTRIBUTIONS | ONE_CLASS,
    "CategoricalFocalCrossentropy": ONE_CLASS,
    "CategoricalGeneralizedCrossEntropy": {"two classes", "three classes"},
    "CategoricalHinge": ONE_CLASS,
    "Circle": set(),
    "CosineSimilarity": {*("several", "several positive", "distributions"), *ONE_CLASS},
    "Dice": ANY_CLASSES,
    "Hinge": set(),
    "Huber": ANY_NUMBERS | ANY_CLASSES,
    "KLDivergence": DISTRIBUTIONS | ONE_CLASS,
    "LogCosh": ANY_NUMBERS | ANY_CLASSES,
    "MeanAbsoluteError": ANY_NUMBERS | ANY_CLASSES,
    "MeanAbsolutePercentageError": ANY_NUMBERS,  # there is no 0 among them
    "MeanSquaredError": ANY_NUMBERS | ANY_CLASSES,
    "MeanSquaredLogarithmicError": ANY_NUMBERS - {"numbers", "several"} | ANY_CLASSES,
    "Poisson": ANY_NUMBERS - {"numbers", "several"} | ANY_CLASSES,
    "SparseCategoricalCrossentropy": {"two classes", "three classes"},
    "SquaredHinge": set(),
    "Tversky": ANY_CLASSES,
}
LOSSES = [name for name in TAKES if hasattr(keras.losses, name)]
TAKEN = [
    # One of numbers and one of classes are enough for every day.
    pytest.param(name, kind, marks=[pytest.mark.slow] if number else [])
    for name in LOSSES
    for kinds in (NUMBERS, CLASSES)
    for number, kind in enumerate(each for each in kinds if each in TAKES[name])
]
EVERY_DAY = [each for each in TAKEN if not each.marks]
REFUSED = [(name, kind) for name in LOSSES for kind in Y if kind not in TAKES[name]]


def estimators(kind):
    numbers = kind in NUMBERS
    return DenseRegressor if numbers else DenseClassifier, (
        CNNRegressor if numbers else CNNClassifier
    )


def quick(kind, **parameters):
    options = {"epochs": 40, "batch_size": 32, "learning_rate": 0.01, "random_state": 0}
    return estimators(kind)[0](**{**options, **parameters}).fit(X, Y[kind])


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("training has started")

    monkeypatch.setattr(_training, "train", refuse)


def test_every_loss_of_keras_is_here():
    found = {
        name
        for name, each in vars(keras.losses).items()
        if inspect.isclass(each) and issubclass(each, keras.losses.Loss)
    }
    assert found - {"Loss"} <= set(TAKES)


@pytest.mark.parametrize(("name", "kind"), TAKEN)
def test_what_suits_a_loss_is_learnt(name, kind):
    net = quick(kind, loss=getattr(keras.losses, name))
    losses = net.history_["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    predicted = net.predict(X)
    if kind in CLASSES:
        chance = {"two classes": 0.5}.get(kind, 0.4)
        assert net.score(X, Y[kind]) > (0.95 if kind not in CLASSES[2:] else chance)
        np.testing.assert_array_equal(np.unique(predicted), np.unique(Y[kind]))
        return
    if name == "CosineSimilarity":  # the direction is learnt, the length is free
        unit = [each / np.linalg.norm(each, axis=1)[:, None] for each in
                (predicted, Y[kind])]  # fmt: skip
        assert (unit[0] * unit[1]).sum(axis=1).mean() > 0.95
    else:
        assert net.score(X, Y[kind]) > 0.8
    if name in {"Poisson", "MeanSquaredLogarithmicError"}:
        assert (predicted > 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "kind"), [each.values for each in EVERY_DAY])
def test_a_loss_is_what_keras_computes(name, kind, dtype):
    loss = getattr(keras.losses, name)
    options = {"shuffle": False, "epochs": 2, "batch_size": 100, "learning_rate": None}
    net = quick(kind, loss=loss, dtype=dtype, **options)
    encoder = net.target_encoder_
    network = build_dense(
        (4,),
        encoder.n_units,
        output_activation=encoder.output_activation,
        dtype=dtype,
        seed=net._seed,
    )
    network.compile("adam", loss(dtype=dtype))
    history = network.fit(
        X.astype(dtype),
        encoder.transform(Y[kind]),
        epochs=2,
        batch_size=100,
        shuffle=False,
        verbose=0,
    )
    np.testing.assert_allclose(
        net.history_["loss"], history.history["loss"], rtol=1e-5, atol=1e-7
    )
    for ours, theirs in zip(
        net._network.state["network"], network.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "kind"), REFUSED)
def test_what_does_not_suit_a_loss_is_refused(no_training, name, kind):
    for Estimator in estimators(kind):
        net = Estimator(loss=getattr(keras.losses, name))
        before = vars(net).copy()
        with pytest.raises(ValueError, match=r"loss|one-hot") as caught:
            net.fit(X, Y[kind])
        assert Estimator.__name__ in str(caught.value)
        assert "\n" not in str(caught.value)
        assert vars(net) == before


def forms(name):
    """Return a loss of Keras in every form that it has."""
    kind = getattr(keras.losses, name)
    function = next(
        (
            each
            for key, each in vars(keras.losses).items()
            if key.replace("_", "") == name.lower() and inspect.isfunction(each)
        ),
        None,
    )
    found = [kind, kind(), keras.losses.serialize(kind())]
    if function is not None:
        found += [function, function.__name__]
        found.append({"class_name": "function", "config": function.__name__,
                      "module": "builtins", "registered_name": "function"})  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("name", "kind", "taken"),
    [
        ("Poisson", "positive", True),
        ("Poisson", "numbers", False),
        ("MeanSquaredLogarithmicError", "positive", True),
        ("KLDivergence", "distributions", True),
        ("KLDivergence", "one-hot", True),
        ("CategoricalCrossentropy", "three classes", True),
        ("Hinge", "three classes", False),
        ("SparseCategoricalCrossentropy", "numbers", False),
    ],
)
def test_a_loss_is_the_same_in_every_form(name, kind, taken):
    losses = []
    for form in forms(name):
        options = {"loss": form, "epochs": 2}
        if not taken:
            with pytest.raises(ValueError, match="loss"):
                quick(kind, **options)
            continue
        net = quick(kind, **options)
        losses.append(net.history_["loss"])
        assert net._network.recipe.options["output_activation"] in {
            *("exponential", "softmax"),
        }
    assert losses.count(losses[0]) == len(losses) >= 5 if taken else not losses


def test_aliases_are_their_losses():
    for alias, kind in [("kld", "distributions"), ("msle", "positive")]:
        name = family_of(alias)
        assert name != alias
        full = next(each for each in LOSSES if each.lower() == name)
        one, other = (quick(kind, loss=loss, epochs=2) for loss in (alias, full))
        assert one.history_ == other.history_


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("scale", [1, 100])
def test_counts_are_learnt_as_scikit_learn_learns_them(scale):
    counts = np.random.default_rng(1).poisson(np.exp(0.5 + X[:, 0] / 2)) * scale
    net = DenseRegressor(100, loss="poisson", epochs=200, random_state=0)
    score = net.fit(X, counts).score(X, counts)
    mlp = MLPRegressor(max_iter=200, random_state=0)
    if "loss" in mlp.get_params():  # since scikit-learn 1.7
        assert score > mlp.set_params(loss="poisson").fit(X, counts).score(
            X, counts
        ) - (0.05)
    assert score > PoissonRegressor().fit(X, counts).score(X, counts)
    assert (net.predict(X) > 0).all()


@pytest.mark.parametrize(
    ("loss", "y", "wanted"),
    [
        ("poisson", -1.0, "y >= 0"),
        ("msle", -1.0, "y >= 0"),
        ("mape", 0.0, "y other than 0"),
        ("binary_crossentropy", 1.5, "y from 0 to 1"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "warm fit", "partial_fit"])
def test_a_target_out_of_range_is_refused_whenever_it_comes(loss, y, wanted, method):
    good = Y["shares"]
    bad = np.where(np.arange(len(good)) == 7, y, good)
    net = DenseRegressor(loss=loss, epochs=1, random_state=0)
    if method != "fit":
        net.fit(X, good)
        expected = net.predict(X)
    net.set_params(warm_start=method == "warm fit")
    with pytest.raises(ValueError, match=rf"out of the valid range .* takes {wanted}"):
        getattr(net, method.removeprefix("warm "))(X, bad)
    if method != "fit":
        np.testing.assert_array_equal(net.predict(X), expected)


def test_a_loss_of_another_output_layer_is_refused_when_going_on():
    y = Y["positive"]
    net = DenseRegressor(warm_start=True, epochs=1, random_state=0).fit(X, y)
    net.set_params(loss="huber").fit(X, y)
    with pytest.raises(ValueError, match="fitted with loss='huber' as one with loss"):
        net.set_params(loss="poisson").fit(X, y)
    counting = DenseRegressor(loss="poisson", warm_start=True, epochs=1).fit(X, y)
    assert counting.set_params(loss="msle").fit(X, y).current_epoch == 2


@pytest.mark.parametrize("kind", ["positive", "distributions", "shares"])
def test_a_net_made_for_its_loss_is_saved_and_loaded(tmp_path, kind):
    loss = {"positive": "poisson", "shares": "bce"}.get(kind, "kl_divergence")
    net = quick(kind, loss=loss, epochs=2)
    net.save(tmp_path / "net.safetensors")
    again = sknn_mnist.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.partial_fit(X, Y[kind]).history_ == (
        net.partial_fit(X, Y[kind]).history_
    )


@pytest.mark.parametrize("name", ["Dice", "Tversky", "CosineSimilarity"])
def test_a_loss_of_the_whole_batch_takes_no_weights_of_rows(name):
    kind = getattr(keras.losses, name)
    weights = np.arange(300.0)
    rows = kind(axis=-1) if "axis" in inspect.signature(kind).parameters else None
    batch = kind(axis=0) if name == "CosineSimilarity" else kind()
    net = DenseClassifier(loss=batch, epochs=1, random_state=0)
    net.fit(X, Y["two classes"], sample_weight=np.full(300, 3.0))  # all alike
    for weighted in (
        lambda: net.fit(X, Y["two classes"], sample_weight=weights),
        lambda: net.set_params(class_weight={0: 2.0}).fit(X, Y["two classes"]),
    ):
        with pytest.raises(
            ValueError, match="DenseClassifier has no value for each row"
        ):
            weighted()
    if rows is not None:  # older Kerases have no such Dice
        net.set_params(loss=rows).fit(X, Y["two classes"], sample_weight=weights)


class Doubled(keras.losses.Poisson):
    def call(self, y_true, y_pred):
        return 2 * super().call(y_true, y_pred)


class Codes(keras.losses.SparseCategoricalCrossentropy):
    pass


def test_a_loss_that_extends_one_of_keras_wants_the_same():
    net = quick("positive", loss=Doubled())
    np.testing.assert_allclose(
        net.history_["loss"][0],
        2 * quick("positive", loss="poisson", epochs=1).history_["loss"][0],
        rtol=0.1,
    )
    assert (net.predict(X) > 0).all()
    with pytest.raises(ValueError, match="out of the valid range"):
        quick("numbers", loss=Doubled)
    assert quick("three classes", loss=Codes).score(X, Y["three classes"]) > 0.95


def test_a_function_of_the_users_own_is_not_known_by_its_name():
    def poisson(y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)

    def hinge(y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)

    own, mse = (quick("numbers", loss=loss, epochs=3) for loss in (poisson, "mse"))
    assert own.history_ == mse.history_
    assert quick("three classes", loss=hinge).score(X, Y["three classes"]) > 0.95
