"""Targets of own networks: encoded to what the loss takes, or refused in a sentence."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.preprocessing import StandardScaler

from sknn_mnist import KerasClassifier, KerasRegressor
from sknn_mnist.engine._owned_network import OwnedNetwork

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
CODES = np.digitize(X[:, 0], [-0.5, 0.5])
BINARY = (X[:, 0] > 0).astype(int)
WORDS = np.array(["cat", "dog", "eel"])[CODES]
ONE_HOT = np.eye(3, dtype=int)[CODES]
INDICATORS = (X[:, :3] > 0).astype(int)
HEADS = np.column_stack([CODES, BINARY])
QUICK = {"epochs": 1, "batch_size": 32, "random_state": 0}
LEARNT = {"epochs": 40, "batch_size": 16, "learning_rate": 0.05, "random_state": 0}
SPARSE = "sparse_categorical_crossentropy"


def make_model(n_units=3, activation="softmax", loss=None):
    """Build one output, compiled where there is a loss."""
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(n_units, activation=activation),
        ]
    )
    if loss is not None:
        model.compile("adam", loss, metrics=["accuracy"])
    return model


def make_heads(units=(3, 2), activation="softmax", loss=None, compiled_metrics=None):
    """Build an output for each column of y."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    outputs = [
        keras.layers.Dense(each, activation=activation, name=f"head{i}")(hidden)
        for i, each in enumerate(units)
    ]
    model = keras.Model(inputs, outputs)
    if loss is not None:
        model.compile("adam", loss, metrics=compiled_metrics)
    return model


# -- one output -------------------------------------------------------------------

LOSSES_OF_ONE_CLASS = ["categorical_crossentropy", SPARSE]


@pytest.mark.parametrize("compiled", [True, False], ids=["function", "estimator"])
@pytest.mark.parametrize("loss", LOSSES_OF_ONE_CLASS)
@pytest.mark.parametrize("y", [CODES, CODES + 5, WORDS], ids=["codes", "5...", "words"])
def test_labels_are_encoded_to_what_the_loss_takes(y, loss, compiled):
    options = {"model__loss" if compiled else "loss": loss}
    net = KerasClassifier(make_model, **options, **LEARNT).fit(X, y)
    np.testing.assert_array_equal(net.classes_, np.unique(y))
    predicted = net.predict(X)
    assert predicted.dtype == y.dtype
    assert predicted.shape == y.shape
    assert net.score(X, y) > 0.9
    proba = net.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(net.classes_[proba.argmax(axis=1)], predicted)


def test_both_losses_of_one_class_learn_the_same():
    probas = [
        KerasClassifier(make_model, loss=loss, **LEARNT).fit(X, WORDS).predict_proba(X)
        for loss in LOSSES_OF_ONE_CLASS
    ]
    np.testing.assert_allclose(*probas, atol=1e-4)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int64", "int32", "uint8", "uint16", "<U1", object]
)
@pytest.mark.parametrize("y", [CODES, BINARY], ids=["three", "two"])
def test_labels_come_back_in_their_dtype(y, dtype):
    y = y.astype("<U1").astype(dtype) if dtype is object else y.astype(dtype)
    binary = len(np.unique(y)) == 2
    options = {"n_units": 1, "activation": "sigmoid"} if binary else {}
    net = KerasClassifier(make_model, **options, **LEARNT).fit(X, y)
    assert net.predict(X).dtype == y.dtype
    assert net.score(X, y) > 0.9


@pytest.mark.parametrize(
    "options",
    [
        {"n_units": 1, "activation": "sigmoid"},
        {"n_units": 1, "activation": "sigmoid", "loss": "binary_crossentropy"},
        {"n_units": 1, "activation": "sigmoid", "model__loss": "bce"},
        {"n_units": 2},
        {"n_units": 2, "loss": SPARSE},
        {"n_units": 2, "model__loss": "categorical_crossentropy"},
    ],
    ids=str,
)
def test_two_classes_by_one_sigmoid_or_by_softmax(options):
    y = np.where(BINARY, "yes", "no")
    net = KerasClassifier(make_model, **options, **LEARNT).fit(X, y)
    assert net.predict_proba(X).shape == (90, 2)
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert net.score(X, y) > 0.9


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", bool])
@pytest.mark.parametrize("loss", LOSSES_OF_ONE_CLASS)
@pytest.mark.parametrize("in_function", [True, False])
def test_one_hot_rows(dtype, loss, in_function):
    options = {"model__loss" if in_function else "loss": loss}
    y = ONE_HOT.astype(dtype)
    net = KerasClassifier(make_model, **options, **LEARNT).fit(X, y)
    predicted = net.predict(X)
    assert predicted.shape == y.shape
    np.testing.assert_array_equal(predicted.sum(axis=1), 1)
    assert net.score(X, y) > 0.9
    assert cross_val_score(net, X, y, cv=2, error_score="raise").min() > 0.5


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_a_binary_loss_of_each_class_is_of_one_class_all_the_same(activation):
    net = KerasClassifier(
        make_model, activation=activation, loss="binary_crossentropy", **LEARNT
    ).fit(X, WORDS)
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert net.score(X, WORDS) > 0.9


def test_labels_and_one_hot_rows_train_the_same_network():
    options = {"loss": "categorical_crossentropy"}
    rows = KerasClassifier(make_model, **options, **LEARNT).fit(X, ONE_HOT)
    labels = KerasClassifier(make_model, **options, **LEARNT).fit(X, CODES)
    np.testing.assert_array_equal(rows.predict_proba(X), labels.predict_proba(X))


@pytest.mark.parametrize("loss", ["auto", "binary_crossentropy"])
def test_several_labels_a_row(loss):
    net = KerasClassifier(make_model, activation="sigmoid", loss=loss, **LEARNT)
    net.fit(X, INDICATORS)
    predicted = net.predict(X)
    assert predicted.shape == INDICATORS.shape
    assert set(np.unique(predicted)) <= {0, 1}
    assert (predicted == INDICATORS).mean() > 0.9
    np.testing.assert_array_equal(net.predict_proba(X) > 0.5, predicted.astype(bool))


def test_frames_series_and_lists():
    frame = pd.DataFrame(X, columns=list("abcd"))
    expected = KerasClassifier(make_model, **QUICK).fit(X, WORDS).predict_proba(X)
    net = KerasClassifier(make_model, **QUICK).fit(frame, pd.Series(WORDS))
    np.testing.assert_array_equal(net.feature_names_in_, list("abcd"))
    np.testing.assert_array_equal(net.predict_proba(frame), expected)
    net = KerasClassifier(make_model, **QUICK).fit(X.tolist(), WORDS.tolist())
    np.testing.assert_array_equal(net.predict_proba(X.tolist()), expected)


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"loss__from_logits": True, "loss": SPARSE}, CODES),
        (
            {
                "loss": keras.losses.CategoricalCrossentropy,
                "loss__from_logits": True,
            },
            WORDS,
        ),
        (
            {"model__loss": keras.losses.SparseCategoricalCrossentropy(True)},
            CODES,
        ),
        (
            {
                "n_units": 1,
                "loss": "BinaryCrossentropy",
                "loss__from_logits": True,
            },
            BINARY,
        ),
        (
            {"model__loss": keras.losses.BinaryCrossentropy(from_logits=True)},
            INDICATORS,
        ),
    ],
    ids=["codes", "one-hot", "compiled", "binary", "several labels"],
)
def test_logits_are_predicted_as_probabilities(options, y):
    net = KerasClassifier(make_model, activation=None, **options, **LEARNT).fit(X, y)
    proba = net.predict_proba(X)
    assert proba.min() >= 0
    assert proba.max() <= 1
    if y.ndim == 1:
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    # What the network itself gives are logits.
    assert net.model_.predict(X, verbose=0).min() < 0
    assert (net.predict(X) == y).mean() > 0.9


@pytest.mark.parametrize("weighted", ["sample_weight", "class_weight"])
@pytest.mark.parametrize(
    "loss",
    [
        {"loss": SPARSE, "loss__from_logits": True},
        {"loss": keras.losses.CategoricalCrossentropy(from_logits=True)},
        {"model__loss": keras.losses.SparseCategoricalCrossentropy(True)},
    ],
    ids=["by name", "object", "compiled"],
)
def test_losses_of_logits_take_weights(loss, weighted):
    """As those of probabilities do: the same net learns the same."""
    weights = {0: 3.0, 1: 0.5, 2: 1.0}
    fits = []
    for options in ({"activation": None, **loss}, {"loss": SPARSE}):
        net = KerasClassifier(make_model, **options, **QUICK)
        given = {}
        if weighted == "class_weight":
            net.set_params(class_weight=weights)
        else:
            given["sample_weight"] = np.array([weights[each] for each in CODES])
        fits.append(net.fit(X, CODES, **given).predict_proba(X))
    np.testing.assert_allclose(*fits, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("columns", [None, 1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_numbers(columns, dtype):
    y = np.round(100 + 10 * X[:, 0]).astype(dtype)
    if columns == 2:
        y = np.column_stack([y, y])
    options = {"n_units": columns or 1, "activation": None}
    net = TransformedTargetRegressor(
        KerasRegressor(make_model, **options, **LEARNT), transformer=StandardScaler()
    )
    net.fit(X, y)
    assert net.predict(X).shape == y.shape
    assert net.score(X, y) > 0.9
    # By itself, too, if not as well.
    alone = KerasRegressor(make_model, **options, **QUICK).fit(X, y)
    assert alone.predict(X).shape == y.shape
    assert np.isfinite(alone.score(X, y))


# -- several outputs --------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": SPARSE},
        {"loss": [SPARSE, "categorical_crossentropy"]},
        {"loss": {"head0": SPARSE, "head1": SPARSE}},
        {"model__loss": [SPARSE, SPARSE]},
        {"model__loss": {"head0": "categorical_crossentropy", "head1": SPARSE}},
        {
            "loss": [keras.losses.SparseCategoricalCrossentropy] * 2,
            "loss__reduction": "sum",
            "loss__1__reduction": "sum_over_batch_size",
        },
        {
            "loss": {
                "head0": keras.losses.SparseCategoricalCrossentropy,
                "head1": keras.losses.SparseCategoricalCrossentropy,
            },
            "loss__head0__reduction": "sum",
        },
        {"compile__loss_weights": [1.0, 2.0]},
    ],
    ids=str,
)
def test_a_column_of_labels_for_each_head(options):
    net = KerasClassifier(make_heads, **options, **LEARNT).fit(X, HEADS)
    predicted = net.predict(X)
    assert predicted.shape == HEADS.shape
    assert predicted.dtype == HEADS.dtype
    assert (predicted == HEADS).mean() > 0.85
    probas = net.predict_proba(X)
    assert [each.shape for each in probas] == [(90, 3), (90, 2)]
    for proba, classes in zip(probas, net.classes_, strict=True):
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
        assert proba.shape[1] == len(classes)


def test_words_for_each_head_in_a_grid():
    words = np.column_stack([WORDS, np.where(BINARY, "yes", "no")])

    def all_right(net, X, y):
        return np.mean(np.all(net.predict(X) == y, axis=1))

    grid = GridSearchCV(
        KerasClassifier(make_heads, **{**LEARNT, "epochs": 1}),
        {"epochs": [1, 40]},
        scoring=all_right,
        cv=2,
        error_score="raise",
    ).fit(X, words)
    assert grid.best_params_ == {"epochs": 40}
    assert set(grid.predict(X)[:, 1]) == {"yes", "no"}


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ([["accuracy"], ["accuracy"]], {"head0_accuracy", "head1_accuracy"}),
        ({"head0": "accuracy", "head1": ["accuracy"]}, None),
        ({"head1": [keras.metrics.SparseCategoricalAccuracy]}, None),
        ({"head1": keras.metrics.SparseCategoricalAccuracy}, None),
    ],
    ids=["lists", "dict", "dict of a list of a class", "dict of a class"],
)
def test_metrics_for_each_head(metrics, names):
    net = KerasClassifier(make_heads, loss=SPARSE, metrics=metrics, **QUICK)
    history = net.fit(X, HEADS).history_
    if names is None:
        heads = metrics if isinstance(metrics, dict) else ()
        assert all(any(each in name for name in history) for each in heads)
    else:
        assert names <= set(history)


def test_parameters_of_metrics_of_heads():
    net = KerasClassifier(
        make_heads,
        loss=SPARSE,
        metrics={
            "head0": keras.metrics.SparseTopKCategoricalAccuracy,
            "head1": keras.metrics.SparseTopKCategoricalAccuracy,
        },
        metrics__k=1,
        metrics__head0__name="first",
        metrics__head1__name="second",
        **QUICK,
    ).fit(X, HEADS)
    assert {"first", "second"} <= {
        name.removeprefix("head0_").removeprefix("head1_") for name in net.history_
    }


def test_a_sigmoid_for_each_label():
    options = {"units": (1, 1, 1), "activation": "sigmoid"}
    net = KerasClassifier(make_heads, **options, **LEARNT).fit(X, INDICATORS)
    predicted = net.predict(X)
    assert predicted.shape == INDICATORS.shape
    assert (predicted == INDICATORS).mean() > 0.9


def test_numbers_of_several_heads():
    y = np.column_stack([X[:, 0], X[:, 1] * 2])
    options = {"units": (1, 1), "activation": None}
    net = KerasRegressor(make_heads, **options, **LEARNT).fit(X, y)
    assert net.predict(X).shape == y.shape
    assert net.score(X, y) > 0.8


def test_scikit_learns_one_network_a_column():
    net = MultiOutputClassifier(KerasClassifier(make_by_meta, **LEARNT))
    net.fit(X, HEADS)
    assert net.predict(X).shape == HEADS.shape
    assert net.score(X, HEADS) > 0.8


def make_by_meta(meta):
    return make_model(meta["n_classes_"])


# -- what does not fit ------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"n_units": 2}, CODES),
        ({"n_units": 1, "activation": "softmax"}, BINARY),
        ({"n_units": 1, "activation": "sigmoid"}, CODES),
        ({"n_units": 2, "activation": "sigmoid"}, INDICATORS),
        ({"n_units": 4, "loss": "categorical_crossentropy"}, ONE_HOT),
        ({"n_units": 3}, HEADS),
    ],
    ids=str,
)
def test_a_last_layer_that_does_not_fit_is_refused_before_training(options, y):
    begun = []
    seen = keras.callbacks.LambdaCallback(on_train_begin=begun.append)
    net = KerasClassifier(make_model, callbacks=seen, **options, **QUICK)
    with pytest.raises(ValueError, match=r"output|unit|loss|layer|y "):
        net.fit(X, y)
    assert begun == []
    assert not hasattr(net, "history_")


def test_as_many_columns_as_heads():
    with pytest.raises(ValueError, match="output"):
        KerasClassifier(make_heads, units=(3, 2, 2), **QUICK).fit(X, HEADS)
    with pytest.raises(ValueError, match="output"):
        KerasClassifier(make_heads, **QUICK).fit(X, CODES)
    with pytest.raises(ValueError, match="output"):
        KerasClassifier(make_model, **QUICK).fit(X, HEADS)


def test_numbers_that_go_on_are_no_classes():
    with pytest.raises(ValueError, match="continuous"):
        KerasClassifier(make_model, **QUICK).fit(X, X[:, 0])


# -- weights ----------------------------------------------------------------------


def test_weights_of_samples_tilt_what_is_learnt():
    rows = np.ones((200, 4), dtype=np.float32)
    y = np.repeat(["a", "b"], 100)
    weights = np.repeat([0.8, 0.2], 100)
    net = KerasClassifier(make_model, n_units=2, **LEARNT)
    plain = clone(net).fit(rows, y).predict_proba(rows[:1])[0, 0]
    tilted = clone(net).fit(rows, y, sample_weight=weights).predict_proba(rows[:1])
    assert plain == pytest.approx(0.5, abs=0.1)
    assert tilted[0, 0] == pytest.approx(0.8, abs=0.1)
    equal = clone(net).fit(rows, y, sample_weight=np.full(200, 0.5))
    assert equal.predict_proba(rows[:1])[0, 0] == pytest.approx(plain, abs=1e-3)


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [(None, 0.25), ("balanced", 0.5), ({"a": 3, "b": 1}, 0.5), ({"a": 1}, 0.25)],
)
def test_weights_of_classes(class_weight, expected):
    rows = np.ones((200, 4), dtype=np.float32)
    y = np.repeat(["a", "b"], [50, 150])
    net = KerasClassifier(make_model, n_units=2, class_weight=class_weight, **LEARNT)
    found = net.fit(rows, y).predict_proba(rows[:1])[0, 0]
    assert found == pytest.approx(expected, abs=0.1)


def test_weights_of_nothing_are_refused():
    with pytest.raises(ValueError, match="sample_weight"):
        KerasClassifier(make_model, **QUICK).fit(X, CODES, sample_weight=np.zeros(90))


def test_a_score_counts_weights():
    net = KerasRegressor(make_model, n_units=1, activation=None, **QUICK)
    net.fit(X, X[:, 0])
    weights = np.where(X[:, 0] > 0, 1.0, 0.01)
    assert net.score(X, X[:, 0], sample_weight=weights) != net.score(X, X[:, 0])


def test_several_heads_have_no_weights_of_classes():
    net = KerasClassifier(make_heads, class_weight="balanced", **QUICK)
    with pytest.raises(ValueError, match="class_weight"):
        net.fit(X, HEADS)


def test_weights_of_samples_with_several_heads():
    rows = np.ones((200, 4), dtype=np.float32)
    first = np.repeat([0, 1], 100)
    y = np.column_stack([first, 1 - first])
    weights = np.repeat([0.8, 0.2], 100)
    net = KerasClassifier(make_heads, units=(2, 2), **LEARNT)
    probas = net.fit(rows, y, sample_weight=weights).predict_proba(rows[:1])
    assert probas[0][0, 0] == pytest.approx(0.8, abs=0.1)
    assert probas[1][0, 1] == pytest.approx(0.8, abs=0.1)


@pytest.fixture
def no_training(monkeypatch):
    """Let no fit come so far as to train."""

    def trained(*args):
        raise AssertionError("it trains")

    monkeypatch.setattr(OwnedNetwork, "trained", trained)


# -- scores and probabilities -----------------------------------------------------

OF_PROBABILITIES = [
    *("kl_divergence", "dice", "tversky", "categorical_crossentropy", SPARSE),
    *("binary_crossentropy", "categorical_focal_crossentropy"),
]
OF_SCORES = [
    *("mean_squared_error", "mean_absolute_error", "huber", "categorical_hinge"),
    *("hinge", "squared_hinge"),
]
OVER_CLASSES = [
    *("categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence"),
    *("cosine_similarity", "categorical_hinge", SPARSE),
]


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", keras.losses.Hinge()])
@pytest.mark.parametrize("units", [1, 2])
def test_hinges_of_probabilities_are_read_as_these(loss, units):
    activation = "sigmoid" if units == 1 else "softmax"
    net = KerasClassifier(
        make_model, n_units=units, activation=activation, loss=loss, **LEARNT
    ).fit(X, BINARY)
    raw = net.model_.predict(X, verbose=0)
    proba = net.predict_proba(X)
    np.testing.assert_allclose(proba[:, -1], raw[:, -1], rtol=1e-5)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert net.score(X, BINARY) > 0.9
    np.testing.assert_array_equal(net.predict(X), proba[:, 1] > 0.5)


@pytest.mark.parametrize("loss", OVER_CLASSES)
def test_losses_over_classes_need_a_unit_for_each(loss, no_training):
    net = KerasClassifier(make_model, n_units=1, activation="sigmoid", loss=loss)
    with pytest.raises(ValueError, match=r"2 units \(softmax\) .* with a binary loss"):
        net.fit(X, BINARY)


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
@pytest.mark.parametrize("loss", OF_PROBABILITIES)
def test_losses_of_probabilities_are_not_given_scores(loss, activation, no_training):
    net = KerasClassifier(make_model, activation=activation, loss=loss)
    with pytest.raises(ValueError, match=r"takes probabilities: .* activation='s"):
        net.fit(X, CODES)


def test_the_activation_that_is_asked_for_fits_the_targets(no_training):
    net = KerasClassifier(make_model, activation="linear", loss="dice")
    with pytest.raises(ValueError, match="activation='sigmoid', or another loss"):
        net.fit(X, INDICATORS)
    with pytest.raises(ValueError, match="activation='softmax', or another loss"):
        net.fit(X, CODES)


@pytest.mark.parametrize("activation", ["linear", "tanh"])
@pytest.mark.parametrize("loss", OF_SCORES)
def test_scores_of_classes_become_probabilities(loss, activation):
    net = KerasClassifier(make_model, activation=activation, loss=loss, **LEARNT)
    net.fit(X, WORDS)
    raw, proba = net.model_.predict(X, verbose=0), net.predict_proba(X)
    assert proba.dtype == np.float32
    assert proba.min() >= 0
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(proba.argmax(axis=1), raw.argmax(axis=1))
    np.testing.assert_array_equal(net.predict(X), net.classes_[raw.argmax(axis=1)])
    assert np.isfinite(net.predict_log_proba(X)).any()


@pytest.mark.parametrize("y", [BINARY, INDICATORS], ids=["one unit", "labels"])
def test_scores_of_single_units_are_held_to_probabilities(y):
    net = KerasClassifier(
        make_model,
        n_units=1 if y.ndim == 1 else 3,
        activation="linear",
        loss="mean_squared_error",
        **LEARNT,
    ).fit(X, y)
    raw, proba = net.model_.predict(X, verbose=0), net.predict_proba(X)
    assert raw.max() > 1  # as a line is not held to 1
    proba = proba[:, 1:] if y.ndim == 1 else proba
    np.testing.assert_array_equal(proba, np.clip(raw, 0, 1))
    np.testing.assert_array_equal(net.predict(X).reshape(raw.shape), raw > 0.5)


def test_rows_of_scores_below_zero_have_probabilities_too():
    def make():
        return keras.Sequential(
            [
                keras.layers.Input((3,)),
                keras.layers.Dense(
                    3, kernel_initializer=keras.initializers.Identity(), name="same"
                ),
            ]
        )

    net = KerasClassifier(make, loss="mean_squared_error", random_state=0)
    net.initialize(np.eye(3), [0, 1, 2])
    rows = [[-0.25, -1, -0.5], [0, 0, 0], [1.5, 1.5, -1], [3, 2, 0]]
    np.testing.assert_allclose(
        net.predict_proba(rows),
        [[0.6, 0, 0.4], [1 / 3] * 3, [0.5, 0.5, 0], [0.6, 0.4, 0]],
        rtol=1e-6,
    )


# -- ranges of numbers, and columns of several kinds ------------------------------


@pytest.mark.parametrize(
    ("loss", "match"),
    [
        ("poisson", "y >= 0"),
        ("binary_crossentropy", "from 0 to 1"),
        (keras.losses.MeanSquaredLogarithmicError(), "loss 'mean_squared_log.*y >= 0"),
        ("kl_divergence", "several targets per row"),
    ],
)
@pytest.mark.parametrize("compiled", [True, False], ids=["function", "estimator"])
def test_numbers_are_held_to_the_range_of_the_loss(loss, match, compiled, no_training):
    options = {"model__loss" if compiled else "loss": loss}
    net = KerasRegressor(make_model, n_units=1, activation="sigmoid", **options)
    with pytest.raises(ValueError, match=match):
        net.fit(X, X[:, 0])


def test_numbers_that_come_later_and_those_of_each_output_have_its_range():
    net = KerasRegressor(make_model, n_units=1, activation="relu", **QUICK)
    net.set_params(loss="poisson").fit(X, np.abs(X[:, 0]))
    with pytest.raises(ValueError, match="y >= 0"):
        net.partial_fit(X, X[:, 0])
    net = KerasRegressor(make_heads, units=(1, 1), activation="relu", **QUICK)
    net.set_params(loss=["mean_squared_error", "poisson"])
    net.fit(X, np.column_stack([X[:, 0], BINARY]))
    with pytest.raises(ValueError, match="y >= 0"):
        net.fit(X, np.column_stack([BINARY, X[:, 0]]))


def test_a_loss_of_ones_own_takes_any_numbers():
    def poisson(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    net = KerasRegressor(make_model, n_units=1, activation=None, loss=poisson, **LEARNT)
    assert net.fit(X, X[:, 0]).score(X, X[:, 0]) > 0.9


def test_columns_of_numbers_and_text_are_encoded_each_as_its_kind():
    y = pd.DataFrame({"size": CODES + 5, "answer": np.array(["no", "yes"])[BINARY]})
    net = KerasClassifier(make_heads, **LEARNT).fit(X, y)
    np.testing.assert_array_equal(net.classes_[0], [5, 6, 7])
    np.testing.assert_array_equal(net.classes_[1], ["no", "yes"])
    predicted = net.predict(X)
    assert isinstance(predicted[0, 0], int)
    assert isinstance(predicted[0, 1], str)
    assert net.score(X, y) > 0.8
    assert net.partial_fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize(
    ("column", "match"),
    [
        ([1, "a"] * 45, "Column 0 of y holds int and str"),
        (X[:, 0], "continuous"),
    ],
)
def test_columns_that_are_no_labels_are_refused(column, match, no_training):
    y = pd.DataFrame({"first": column, "second": WORDS})
    with pytest.raises(ValueError, match=match):
        KerasClassifier(make_heads).fit(X, y)


def test_indicators_of_several_kinds_are_still_indicators():
    y = pd.DataFrame({"warm": BINARY, "cold": X[:, 0] < 0})
    net = KerasClassifier(make_model, n_units=2, activation="sigmoid", **LEARNT)
    assert net.fit(X, y).score(X, np.asarray(y, int)) > 0.8


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_what_is_computed_in_16_bits_comes_as_float32(dtype):
    net = KerasClassifier(make_model, dtype=dtype, transform_layer=0, **QUICK)
    net.fit(X, CODES)
    assert net.predict_proba(X).dtype == np.float32
    assert net.predict_log_proba(X).dtype == np.float32
    assert net.transform(X).dtype == np.float32
    np.testing.assert_array_equal(net.predict(X), net.predict_proba(X).argmax(axis=1))
    several = KerasClassifier(make_heads, dtype=dtype, **QUICK).fit(X, HEADS)
    assert {each.dtype.name for each in several.predict_proba(X)} == {"float32"}
    number = KerasRegressor(make_model, n_units=1, activation=None, dtype=dtype)
    assert number.set_params(**QUICK).fit(X, X[:, 0]).predict(X).dtype == np.float64


# -- targets that come later ------------------------------------------------------


def test_classes_may_come_later_where_they_were_told():
    net = KerasClassifier(make_model, **QUICK)
    net.partial_fit(X[CODES < 2], CODES[CODES < 2], classes=[0, 1, 2])
    net.partial_fit(X[CODES > 0], CODES[CODES > 0])
    np.testing.assert_array_equal(net.classes_, [0, 1, 2])
    assert np.isfinite(net.score(X, CODES))


@pytest.mark.parametrize(
    ("later", "match"),
    [
        ((X, CODES + 1), "unknown classes"),
        ((X, WORDS), "unknown classes"),
        ((X, ONE_HOT), "dimension"),
        ((X[:, :3], CODES), "features"),
        ((X[:, :, np.newaxis], CODES), "dim|shape|features"),
    ],
    ids=["unknown", "words", "matrix", "fewer features", "more dimensions"],
)
def test_what_comes_later_must_be_of_the_same_kind(later, match):
    net = KerasClassifier(make_model, **QUICK).fit(X, CODES)
    before = net.predict_proba(X)
    with pytest.raises(ValueError, match=match):
        net.partial_fit(*later)
    if len(later[0].shape) > 2:
        with pytest.raises(ValueError, match=match):
            net.predict(later[0])
    np.testing.assert_array_equal(net.predict_proba(X), before)


def test_more_targets_than_before_are_refused():
    net = KerasRegressor(make_model, n_units=1, activation=None, **QUICK)
    net.fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"y has|target"):
        net.partial_fit(X, X[:, :2])
