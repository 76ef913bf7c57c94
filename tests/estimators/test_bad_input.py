"""Bad input gets one clear sentence before any training, and loses nothing."""

import re

import keras
import numpy as np
import pytest
from sklearn.model_selection import ShuffleSplit

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
)
from sknn_mnist.engine import _training


def make_classifier(meta, hidden_size=3):
    return keras.Sequential(
        [
            keras.layers.Input((meta["n_features_in_"],)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def make_regressor(meta, hidden_size=3):
    return keras.Sequential(
        [
            keras.layers.Input((meta["n_features_in_"],)),
            keras.layers.Dense(hidden_size, activation="relu"),
            keras.layers.Dense(meta["n_outputs_"]),
        ]
    )


FIXED = [DenseClassifier, DenseRegressor, CNNClassifier, CNNRegressor]
MODELS = {KerasClassifier: make_classifier, KerasRegressor: make_regressor}
ESTIMATORS = [*FIXED, *MODELS]
X = np.random.default_rng(0).random((30, 64))
y = np.arange(30) % 3


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("training has started")

    monkeypatch.setattr(_training, "train", refuse)


def estimator(Estimator, **parameters):
    model = {"model": MODELS[Estimator]} if Estimator in MODELS else {}
    return Estimator(**{**model, **parameters})


def with_value(value):
    bad = X.copy()
    bad[3, 5] = value
    return bad


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("bad_X", "bad_y", "message"),
    [
        (with_value(np.nan), y, "Input X contains NaN."),
        (with_value(np.inf), y, "Input X contains infinity"),
        (with_value(1e39), y, "infinity or a value too large for dtype('float32')"),
        (X[:0], y[:0], "Found array with 0 sample(s)"),
        (X[:, :0], y, "0 feature(s)"),
        (X[0], y, "Expected 2D array, got 1D array instead"),
        (X, y[:-1], "inconsistent numbers of samples: [30, 29]"),
        (X, None, "requires y to be passed, but the target y is None"),
        (np.full((30, 64), "pixel", dtype=object), y, "could not convert string"),
        (np.full((30, 64), {}, dtype=object), y, "argument must be a string or a real"),
        (X.astype(complex), y, "Complex data not supported"),
        (X, np.where(np.arange(30) == 2, np.nan, y), "Input y contains NaN."),
    ],
    ids=[
        *["nan", "inf", "huge", "no samples", "no features", "one row", "short y"],
        *["no y", "strings", "objects", "complex", "nan in y"],
    ],
)
def test_bad_data_is_refused(no_training, Estimator, bad_X, bad_y, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        estimator(Estimator).fit(bad_X, bad_y)


COMMON = [
    ({"epochs": -1}, "an int in the range [1, inf). Got -1"),
    ({"epochs": 1.5}, "an int in the range [1, inf). Got 1.5"),
    ({"epochs": True}, "an int in the range [1, inf). Got True"),
    ({"batch_size": 0}, "an int in the range [1, inf). Got 0"),
    ({"dropout": 1.5}, "a float in the range [0.0, 1.0). Got 1.5"),
    ({"dropout": float("nan")}, "a float in the range [0.0, 1.0). Got nan"),
    ({"validation_split": 1.0}, "a float in the range [0.0, 1.0), or a splitter"),
    ({"validation_split": ShuffleSplit}, "or a splitter of scikit-learn's such as"),
    ({"validation_split": "0.1"}, "a float in the range [0.0, 1.0), or a splitter"),
    ({"early_stopping": "auto"}, "a bool. Got 'auto'"),
    ({"n_iter_no_change": 0}, "an int in the range [1, inf). Got 0"),
    ({"tol": -1e-4}, "a finite number in the range [0, inf). Got -0.0001"),
    ({"tol": float("inf")}, "a finite number in the range [0, inf). Got inf"),
    ({"monitor": None}, "the name of a loss or metric in history_"),
    ({"hidden_size": -3}, "an int in the range [1, inf) or a sequence"),
    ({"hidden_size": "32"}, "an int in the range [1, inf) or a sequence"),
    ({"batch_norm": 2}, "a bool. Got 2"),
    ({"warm_start": "yes"}, "a bool. Got 'yes'"),
    ({"memory": 3}, "None, a folder, ':memory:' or a joblib.Memory on a local disk"),
    ({"activation": "rellu"}, "a Keras activation (did you mean 'relu'?)"),
    ({"optimizer": "adamm"}, "a Keras optimizer (did you mean 'adam'?). Got 'adamm'"),
    ({"optimizer": 3}, "a Keras optimizer. Got 3"),
    ({"optimizer": None}, "a Keras optimizer. Got None"),
    ({"learning_rate": -0.1}, "a float in the range (0.0, inf)"),
    ({"rescaling": 0}, "'auto', None or a finite number other than 0"),
    ({"rescaling": True}, "'auto', None or a finite number other than 0"),
    ({"rescaling": float("inf")}, "'auto', None or a finite number other than 0"),
    ({"rescaling": "1/255"}, "'auto', None or a finite number other than 0"),
    ({"learning_rate": "fast"}, "a float in the range (0.0, inf)"),
    ({"loss": "mse_"}, "a Keras loss"),
    ({"loss": None}, "a Keras loss. Got None"),
    ({"metrics": ["accurcy"]}, "a Keras metric"),
    ({"callbacks": ["EarlyStoping"]}, "(did you mean 'EarlyStopping'?)"),
    ({"callbacks": keras.losses.MeanSquaredError()}, "a Keras callback"),
    ({"verbose": 7}, "one of {0, 1, 2}. Got 7"),
    ({"dtype": "int8"}, "'mixed_float16'}. Got 'int8'"),
    ({"random_state": "seed"}, "cannot be used to seed"),
]
CLASSIFIERS = [
    ({"class_weight": "even"}, "None, 'balanced' or a dict"),
    ({"class_weight": {0: -1}}, "not negative, by class. Got {0: -1}"),
]
CNNS = [
    ({"filters": 0}, "an int in the range [1, inf) or a sequence"),
    ({"filters": (8, 0)}, "an int in the range [1, inf) or a sequence"),
    ({"kernel_size": 0}, "an int in the range [1, inf) or a pair"),
    ({"pool_size": (2, 2, 2)}, "an int in the range [1, inf) or a pair"),
    ({"padding": "full"}, "one of {'same', 'valid'}"),
    ({"cache_images": 1}, "a bool. Got 1"),
    ({"augmentation": "rotaton"}, "(did you mean 'rotation'?). Got 'rotaton'"),
    ({"image_shape": (8,)}, "'auto', (height, width) or (height, width, channels)"),
    ({"image_shape": "square"}, "'auto', (height, width)"),
    ({"image_shape": (7, 7)}, "means 49 features per sample, but X has 64"),
]


OWN = [
    (
        {"model": "make_model"},
        "a function that returns a keras.Model",
    ),
    ({"run_eagerly": 1.5}, "a bool. Got 1.5"),
    ({"validation_batch_size": 0}, "an int in the range [1, inf). Got 0"),
    ({"feature_encoder": 3}, "None, a transformer or a function. Got 3"),
    ({"target_encoder": "labels"}, "None, a transformer or a function. Got 'labels'"),
    ({"transform_layer": "nowhere"}, "None, or the name or place of one of the layers"),
]
# What is not of the networks of one's own, or left to them.
OF_FIXED = ("dropout", "hidden_size", "batch_norm", "activation", "rescaling")


def bad_parameters():
    for Estimator in ESTIMATORS:
        cases = list(COMMON)
        if Estimator in MODELS:
            names = [(next(iter(case[0])), case) for case in COMMON]
            cases = [case for name, case in names if name not in OF_FIXED]
            cases = [*(case for case in cases if None not in case[0].values()), *OWN]
        cases += CLASSIFIERS if Estimator.__name__.endswith("Classifier") else []
        cases += CNNS if Estimator.__name__.startswith("CNN") else []
        for parameters, message in cases:
            name = next(iter(parameters))
            yield pytest.param(
                Estimator, parameters, message, id=f"{Estimator.__name__}-{name}"
            )


@pytest.mark.parametrize(("Estimator", "parameters", "message"), list(bad_parameters()))
def test_bad_parameters_are_refused(no_training, Estimator, parameters, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as caught:
        estimator(Estimator, **parameters).fit(X, y)
    name = next(iter(parameters))
    if name not in {"random_state", "image_shape"}:
        assert str(caught.value).startswith(
            f"The {name!r} parameter of {Estimator.__name__} must be "
        )
    assert "\n" not in str(caught.value)


def test_every_parameter_has_a_bad_value_above():
    tried = {next(iter(case[0])) for case in COMMON + CLASSIFIERS + CNNS + OWN}
    known = {name for Estimator in ESTIMATORS for name in Estimator().get_params()}
    assert known - tried == {"shuffle"}  # a bool like batch_norm


@pytest.mark.parametrize("Classifier", [DenseClassifier, CNNClassifier])
@pytest.mark.parametrize(
    ("bad_y", "parameters", "message"),
    [
        (np.linspace(0, 1, 30), {}, "Unknown label type: continuous"),
        (
            np.arange(90).reshape(30, 3),
            {},
            "Unknown label type: multiclass-multioutput",
        ),
        (y, {"loss": "binary_crossentropy"}, "not be a binary one with 3 classes"),
        (
            np.ones((30, 3), int) * (y[:, None] > 0),
            {"loss": "categorical_crossentropy"},
            "each row must hold a single 1",
        ),
        (
            np.eye(3)[y],
            {"loss": "sparse_categorical_crossentropy"},
            "must not be a sparse one with a label indicator matrix",
        ),
        (np.eye(3)[y], {"class_weight": "balanced"}, "a sample has no one class"),
        (y, {"class_weight": {7: 2.0}}, "{7: 2.0} names other classes"),
        (
            y,
            {"loss": keras.losses.CategoricalCrossentropy(from_logits=True)},
            "from_logits=False",
        ),
        (y, {"validation_split": 0.999}, "leaves"),
    ],
    ids=[
        *["continuous", "multi-output", "binary loss", "not one-hot"],
        *["sparse", "class weight", "unknown class", "logits", "validation"],
    ],
)
def test_bad_targets_are_refused(no_training, Classifier, bad_y, parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Classifier(**parameters).fit(X, bad_y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-np.ones(30), "sample_weight must not be negative. Got a smallest weight of"),
        (np.zeros(30), "sample_weight must hold at least one positive weight"),
        (np.ones(29), "sample_weight must be of shape (n_samples,), here (30,)"),
        (np.ones((30, 2)), "sample_weight must be of shape (n_samples,), here (30,)"),
        (np.full(30, np.nan), "Input sample_weight contains NaN"),
    ],
)
def test_bad_sample_weights_are_refused(no_training, weight, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        DenseClassifier().fit(X, y, sample_weight=weight)


def test_data_unlike_the_training_data_is_refused():
    dense = DenseClassifier(epochs=1).fit(X, y)
    cnn = CNNClassifier(epochs=1, filters=2).fit(X.reshape(-1, 8, 8), y)
    for clf in (dense, cnn):
        with pytest.raises(
            ValueError, match=r"X has 63 features, but .* is expecting 64 features"
        ):
            clf.predict(X[:, :63])
        with pytest.raises(ValueError, match="contains NaN"):
            clf.predict(with_value(np.nan))
    with pytest.raises(
        ValueError,
        match=re.escape(
            "X holds images of shape (4, 16, 1), but CNNClassifier is expecting "
            "images of shape (8, 8, 1) as input."
        ),
    ):
        cnn.predict(X.reshape(-1, 4, 16))
    with pytest.raises(ValueError, match=re.escape("Got X of shape (30, 0, 8)")):
        CNNClassifier().fit(np.empty((30, 0, 8)), y)
    with pytest.raises(ValueError, match="looks like images"):
        DenseClassifier().fit(X.reshape(-1, 8, 8), y)


def test_a_failed_fit_leaves_an_unfitted_estimator_unfitted():
    clf = DenseClassifier(learning_rate=1e30, random_state=0)
    before = vars(clf).copy()
    with pytest.raises(ValueError, match="Training of DenseClassifier diverged"):
        clf.fit(X * 1e6, y)
    assert vars(clf) == before


class StopHere(keras.callbacks.Callback):
    """Ctrl-C at the end of an epoch's second batch."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("call", ["fit", "warm fit", "partial_fit"])
def test_an_interrupted_fit_leaves_the_estimator_as_it_was(call):
    clf = DenseClassifier(epochs=2, batch_size=8, dropout=0.2, random_state=0)
    clf.fit(X, y)
    expected, history = clf.predict_proba(X), clf.history_
    clf.set_params(callbacks=StopHere(), warm_start=call == "warm fit")
    with pytest.raises(KeyboardInterrupt):
        getattr(clf, call.removeprefix("warm "))(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)
    assert clf.history_ == history
    # and it goes on as if nothing had happened
    clf.set_params(callbacks=None).partial_fit(X, y)
    straight = DenseClassifier(epochs=3, batch_size=8, dropout=0.2, random_state=0)
    np.testing.assert_array_equal(
        clf.predict_proba(X), straight.fit(X, y).predict_proba(X)
    )
