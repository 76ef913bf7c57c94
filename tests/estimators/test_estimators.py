"""What the four estimators promise: targets, layouts, histories, Keras's objects."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer

from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor
from sknn_mnist.builders import build_dense

QUICK = {"epochs": 15, "batch_size": 64, "learning_rate": 0.01, "random_state": 0}


def same_weights(one, other):
    return all(
        np.array_equal(a, b)
        for a, b in zip(
            one.model_.get_weights(), other.model_.get_weights(), strict=True
        )
    )


# -- targets ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    [int, str, float, lambda digit: f"digit {digit}", lambda digit: digit - 5],
    ids=["int", "str", "float", "words", "negative"],
)
def test_labels_of_any_kind_come_back(digits, label):
    X_train, X_test, y_train, y_test = digits
    relabel = np.vectorize(label)
    clf = DenseClassifier(**QUICK).fit(X_train, relabel(y_train))
    assert clf.score(X_test, relabel(y_test)) > 0.9
    np.testing.assert_array_equal(clf.classes_, np.unique(relabel(y_train)))
    assert clf.predict(X_test).dtype == clf.classes_.dtype
    proba = clf.predict_proba(X_test)
    assert proba.shape == (len(X_test), 10)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(
        clf.classes_[proba.argmax(axis=1)], clf.predict(X_test)
    )
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X_test)), proba, rtol=1e-4)


@pytest.mark.parametrize("Classifier", [DenseClassifier, CNNClassifier])
def test_two_classes_make_one_sigmoid(digits, Classifier):
    X_train, X_test, y_train, y_test = digits
    clf = Classifier(**QUICK).fit(X_train, np.where(y_train == 3, "three", "other"))
    assert clf.model_.output_shape == (None, 1)
    assert clf.score(X_test, np.where(y_test == 3, "three", "other")) > 0.97
    proba = clf.predict_proba(X_test)
    assert proba.shape == (len(X_test), 2)
    np.testing.assert_array_equal(
        clf.predict(X_test), clf.classes_[(proba[:, 1] > 0.5).astype(int)]
    )


def test_label_indicators_make_a_sigmoid_each(digits):
    X_train, X_test, y_train, y_test = digits

    def loops_and_evenness(y):
        return np.column_stack([np.isin(y, [0, 6, 8, 9]), y % 2 == 0]).astype(int)

    clf = DenseClassifier(**QUICK).fit(X_train, loops_and_evenness(y_train))
    assert clf.model_.get_layer("output").activation.__name__ == "sigmoid"
    predicted = clf.predict(X_test)
    assert predicted.shape == (len(X_test), 2)
    assert set(np.unique(predicted)) == {0, 1}
    assert clf.score(X_test, loops_and_evenness(y_test)) > 0.85
    np.testing.assert_array_equal(predicted, clf.predict_proba(X_test) > 0.5)


def test_one_hot_rows_with_categorical_crossentropy_predict_one_hot(digits):
    X_train, X_test, y_train, y_test = digits
    one_hot = keras.utils.to_categorical
    clf = DenseClassifier(loss="categorical_crossentropy", **QUICK)
    clf.fit(X_train, one_hot(y_train))
    assert clf.model_.get_layer("output").activation.__name__ == "softmax"
    predicted = clf.predict(X_test)
    assert predicted.shape == (len(X_test), 10)
    np.testing.assert_array_equal(predicted.sum(axis=1), 1)
    assert clf.score(X_test, one_hot(y_test)) > 0.9
    labels = DenseClassifier(loss="categorical_crossentropy", **QUICK)
    labels.fit(X_train, y_train)
    np.testing.assert_array_equal(labels.predict(X_test), predicted.argmax(axis=1))


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        "categorical_focal_crossentropy",
        "kl_divergence",
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        {"class_name": "CategoricalCrossentropy", "config": {}},
        keras.losses.MeanSquaredError,
        lambda y_true, y_pred: keras.ops.mean((y_true - y_pred) ** 2, axis=-1),
    ],
    ids=["sparse", "focal", "kl", "object", "config", "class", "function"],
)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_any_loss_of_probabilities_trains(digits, loss, n_classes):
    X_train, X_test, y_train, y_test = digits
    clf = DenseClassifier(loss=loss, **QUICK).fit(X_train, y_train % n_classes)
    assert clf.score(X_test, y_test % n_classes) > 0.85
    assert clf.predict_proba(X_test).shape == (len(X_test), n_classes)


def test_regressors_take_one_target_or_several(digits):
    X_train, X_test, y_train, y_test = digits
    quick = {**QUICK, "epochs": 40}
    one = DenseRegressor(**quick).fit(X_train, y_train)
    assert one.predict(X_test).shape == (len(X_test),)
    assert one.score(X_test, y_test) > 0.7
    two = DenseRegressor(**quick).fit(X_train, np.column_stack([y_train, -y_train]))
    assert two.predict(X_test).shape == (len(X_test), 2)
    assert two.n_outputs_ == 2
    ink = CNNRegressor(**QUICK).fit(X_train, X_train.mean(axis=1))
    assert ink.score(X_test, X_test.mean(axis=1)) > 0.8


# -- weights of samples and classes -------------------------------------------------


def test_a_weight_of_two_is_the_sample_twice(digits):
    X, _, y, _ = digits
    X, y = X[:60], y[:60]
    weight = np.arange(60) % 3
    settings = {"dtype": "float64", "epochs": 5, "random_state": 0}
    weighted = DenseClassifier(**settings).fit(X, y, sample_weight=weight)
    repeated = DenseClassifier(**settings).fit(
        X.repeat(weight, axis=0), y.repeat(weight)
    )
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-9
    )


def test_class_weight_is_keras_class_weight(digits):
    X, _, y, _ = digits
    clf = DenseClassifier(
        class_weight={0: 5.0, 3: 0.5}, shuffle=False, epochs=3, random_state=0
    ).fit(X, y)
    network = build_dense((64,), hidden_size=32, seed=clf._seed)
    network.compile("adam", "sparse_categorical_crossentropy")
    weights = dict.fromkeys(range(10), 1.0) | {0: 5.0, 3: 0.5}
    average = np.mean([weights[each] for each in y])
    weights = {label: weight / average for label, weight in weights.items()}
    network.fit(
        X, y, batch_size=128, epochs=3, shuffle=False, class_weight=weights, verbose=0
    )
    for ours, theirs in zip(
        clf.model_.get_weights(), network.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_balanced_classes_find_the_rare_one(digits):
    X, X_test, y, y_test = digits
    rare = np.concatenate([np.flatnonzero(y == 8)[:4], np.flatnonzero(y == 1)])
    settings = {**QUICK, "learning_rate": 0.001}
    recall = {}
    for class_weight in (None, "balanced", {8: 20.0}):
        clf = DenseClassifier(class_weight=class_weight, **settings)
        clf.fit(X[rare], y[rare])
        recall[str(class_weight)] = (clf.predict(X_test[y_test == 8]) == 8).mean()
    assert recall["balanced"] > recall["None"]
    assert recall["{8: 20.0}"] > recall["None"]


# -- fitting in parts ---------------------------------------------------------------


def test_partial_fit_continues_what_fit_began(digits):
    X, _, y, _ = digits
    settings = {"dropout": 0.3, "batch_norm": True, "random_state": 0}
    whole = DenseClassifier(epochs=3, **settings).fit(X, y)
    parts = DenseClassifier(epochs=1, **settings).fit(X, y)
    parts.partial_fit(X, y).partial_fit(X, y)
    assert same_weights(whole, parts)
    assert parts.history_ == whole.history_
    assert len(parts.history_["loss"]) == 3


def test_partial_fit_knows_classes_that_have_not_come(digits):
    X, X_test, y, _ = digits
    clf = DenseClassifier(random_state=0)
    few = y < 4
    clf.partial_fit(X[few], y[few], classes=np.arange(10))
    clf.partial_fit(X[~few], y[~few])
    assert clf.predict_proba(X_test).shape == (len(X_test), 10)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clone(clf).partial_fit(X, y)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        clf.partial_fit(X, y, classes=[0, 1])


def test_warm_start_goes_on(digits):
    X, _, y, _ = digits
    whole = CNNClassifier(filters=4, epochs=4, random_state=0).fit(X, y)
    parts = CNNClassifier(filters=4, epochs=2, random_state=0, warm_start=True)
    parts.fit(X, y).fit(X, y)
    assert same_weights(whole, parts)
    assert parts.history_ == whole.history_
    cold = clone(parts).set_params(warm_start=False).fit(X, y).fit(X, y)
    assert len(cold.history_["loss"]) == 2


def test_warm_start_takes_a_new_learning_rate_and_refuses_a_new_network(digits):
    X, _, y, _ = digits
    clf = DenseClassifier(epochs=1, warm_start=True, random_state=0).fit(X, y)
    before = clf.model_.get_weights()
    clf.set_params(learning_rate=1e-30).fit(X, y)
    np.testing.assert_allclose(before[0], clf.model_.get_weights()[0])
    clf.set_params(hidden_size=64)
    with pytest.raises(
        ValueError,
        match="can't continue a network fitted with hidden_size=32 as one with "
        "hidden_size=64",
    ):
        clf.fit(X, y)
    assert clf.predict(X).shape == y.shape


# -- histories ----------------------------------------------------------------------


def test_history_has_a_value_an_epoch(digits):
    X, _, y, _ = digits
    clf = DenseClassifier(epochs=3, validation_split=0.2, random_state=0).fit(X, y)
    assert {name: len(values) for name, values in clf.history_.items()} == {
        "loss": 3,
        "accuracy": 3,
        "val_loss": 3,
        "val_accuracy": 3,
    }
    assert clf.history_["loss"][2] < clf.history_["loss"][0]
    assert all(type(value) is float for value in clf.history_["loss"])


def test_validation_takes_the_last_rows_as_keras_does(digits):
    X, _, y, _ = digits
    start = int(len(X) * 0.75)
    clf = DenseClassifier(epochs=2, validation_split=0.25, random_state=0).fit(X, y)
    alone = DenseClassifier(epochs=2, random_state=0).fit(X[:start], y[:start])
    assert same_weights(clf, alone)
    assert clf.history_["val_accuracy"][-1] == pytest.approx(
        alone.score(X[start:], y[start:])
    )


def test_metrics_by_name_config_and_object(digits):
    X, _, y, _ = digits
    metrics = [
        "SparseTopKCategoricalAccuracy",
        "sparse_categorical_crossentropy",
        keras.metrics.serialize(keras.metrics.SparseCategoricalAccuracy(name="config")),
        keras.metrics.SparseCategoricalAccuracy(name="hits"),
    ]
    clf = DenseClassifier(epochs=2, metrics=metrics, random_state=0)
    assert clf.fit(X, y).fit(X, y).history_.keys() == {
        "loss",
        *("SparseTopKCategoricalAccuracy", "sparse_categorical_crossentropy"),
        *("config", "hits"),
    }


# -- Keras's objects ----------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        "adam",
        keras.optimizers.Adam,
        keras.optimizers.Adam(),
        {"class_name": "Adam", "config": {"learning_rate": 0.001}},
    ],
    ids=["name", "class", "object", "config"],
)
def test_optimizer_in_every_form_is_the_same(digits, optimizer):
    X, _, y, _ = digits
    expected = DenseClassifier(epochs=2, random_state=0).fit(X, y)
    clf = DenseClassifier(epochs=2, optimizer=optimizer, random_state=0)
    assert same_weights(clf.fit(X, y), expected)
    assert same_weights(clf.fit(X, y), expected)  # the object was not used up
    if isinstance(optimizer, keras.optimizers.Optimizer):
        assert not optimizer.built


def test_learning_rate_is_the_optimizers(digits):
    X, _, y, _ = digits
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    for given, expected in [
        (0.05, 0.05),
        (None, 0.5),
        (schedule, 0.1 * 0.5 ** (10 / 10)),
        (keras.optimizers.schedules.serialize(schedule), 0.1 * 0.5 ** (10 / 10)),
    ]:
        clf = DenseClassifier(
            optimizer=keras.optimizers.SGD(0.5),
            learning_rate=given,
            epochs=1,
            batch_size=126,
            random_state=0,
        ).fit(X, y)
        assert int(clf.model_.optimizer.iterations) == 10
        assert float(clf.model_.optimizer.learning_rate) == pytest.approx(expected)


@pytest.mark.parametrize(
    "callbacks",
    [
        keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10),
        [{"class_name": "EarlyStopping",
          "config": {"monitor": "loss", "patience": 0, "min_delta": 10}}],
    ],
    ids=["object", "config"],
)  # fmt: skip
def test_callbacks_take_part(digits, callbacks):
    X, _, y, _ = digits
    clf = DenseClassifier(epochs=9, callbacks=callbacks, random_state=0).fit(X, y)
    assert len(clf.history_["loss"]) == 2
    assert clf.callbacks_[0].stopped_epoch == 1
    assert clf.callbacks_[0].model is None
    if not isinstance(callbacks, list):
        assert clf.callbacks_[0] is not callbacks
        assert callbacks.stopped_epoch == 0


def test_callbacks_by_name(digits):
    X, _, y, _ = digits
    clf = DenseClassifier(epochs=1, callbacks="TerminateOnNaN").fit(X, y)
    assert isinstance(clf.callbacks_[0], keras.callbacks.TerminateOnNaN)


def test_a_fit_is_keras_fit_on_the_same_batches(digits):
    X, _, y, _ = digits
    clf = DenseClassifier(
        hidden_size=(16, 16), epochs=3, shuffle=False, batch_size=100, random_state=0
    ).fit(X, y)
    network = build_dense((64,), hidden_size=(16, 16), seed=clf._seed)
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = network.fit(X, y, batch_size=100, epochs=3, shuffle=False, verbose=0)
    for ours, theirs in zip(
        clf.model_.get_weights(), network.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    for name, values in history.history.items():
        np.testing.assert_allclose(clf.history_[name], values, rtol=1e-4)


def test_shuffling_takes_every_sample_once_an_epoch(digits):
    X, _, y, _ = digits
    seen = []

    class Spy(keras.metrics.Metric):
        def __init__(self, name="spy", **kwargs):
            super().__init__(name=name, **kwargs)

        def update_state(self, y_true, y_pred, sample_weight=None):
            import tensorflow as tf

            tf.py_function(lambda rows: seen.append(rows.numpy().ravel()), [y_true], [])

        def result(self):
            return 0.0

    y = np.arange(50.0)
    DenseRegressor(metrics=Spy(), epochs=3, batch_size=16, random_state=0).fit(
        X[:50], y
    )
    epochs = [np.concatenate(seen[start : start + 4]) for start in (0, 4, 8)]
    assert [len(batch) for batch in seen] == [16, 16, 16, 2] * 3
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), y)
        assert not np.array_equal(epoch, y)
    assert not np.array_equal(epochs[0], epochs[1])


# -- layouts and attributes ---------------------------------------------------------


def test_cnn_takes_every_layout_of_images(digits):
    X, _, y, _ = digits
    images = X.reshape(-1, 8, 8)
    flat = CNNClassifier(filters=4, epochs=1, random_state=0).fit(X, y)
    for layout in (images, images[..., None], images.tolist()):
        other = CNNClassifier(filters=4, epochs=1, random_state=0).fit(layout, y)
        assert same_weights(flat, other)
        assert other.image_shape_ == (8, 8, 1)
        assert other.n_features_in_ == 64
        np.testing.assert_array_equal(other.predict(X), flat.predict(layout))


@pytest.mark.parametrize(
    ("n_features", "image_shape", "expected"),
    [
        (64, "auto", (8, 8, 1)),
        (48, "auto", (4, 4, 3)),
        (20, "auto", (1, 20, 1)),
        (64, (4, 16), (4, 16, 1)),
        (64, (4, 8, 2), (4, 8, 2)),
    ],
)
def test_image_shape_of_flat_rows(n_features, image_shape, expected):
    X = np.random.default_rng(0).random((20, n_features))
    clf = CNNClassifier(filters=2, epochs=1, image_shape=image_shape)
    clf.fit(X, np.arange(20) % 2)
    assert clf.image_shape_ == expected
    assert clf.model_.input_shape == (None, *expected)


def test_frames_give_names(digits):
    X, X_test, y, _ = digits
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    for Classifier in (DenseClassifier, CNNClassifier):
        clf = Classifier(epochs=1, random_state=0).fit(frame, pd.Series(y))
        np.testing.assert_array_equal(clf.feature_names_in_, frame.columns)
        with pytest.raises(ValueError, match="feature names should match"):
            clf.predict(frame[frame.columns[::-1]])
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            clf.predict(X_test)


def test_summary_is_keras_own(digits, capsys):
    X, _, y, _ = digits
    clf = DenseClassifier(epochs=1).fit(X, y)
    capsys.readouterr()
    clf.summary()
    ours = capsys.readouterr().out
    clf.model_.summary()
    assert ours == capsys.readouterr().out
    assert "hidden_1" in ours
    with pytest.raises(NotFittedError):
        DenseClassifier().summary()


def test_unfitted_estimators_say_so(digits):
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            getattr(DenseClassifier(), method)(digits[1])


def test_prediction_does_not_depend_on_the_rest_of_the_rows(digits):
    X, _, y, _ = digits
    clf = DenseClassifier(epochs=1, random_state=0).fit(X, y)
    many = np.tile(X, (4, 1))  # more rows than one prediction call takes
    np.testing.assert_allclose(
        clf.predict_proba(many)[: len(X)], clf.predict_proba(X), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("verbose", [0, 2])
def test_verbose_is_keras_own(digits, capsys, verbose):
    X, _, y, _ = digits
    DenseClassifier(epochs=2, verbose=verbose).fit(X, y)
    printed = capsys.readouterr().out
    assert ("Epoch 2/2" in printed) == bool(verbose)


def test_label_binarizer_round_trip_matches_softmax(digits):
    X, X_test, y, _ = digits
    binarizer = LabelBinarizer().fit(y)
    clf = DenseClassifier(loss="categorical_crossentropy", epochs=3, random_state=0)
    clf.fit(X, binarizer.transform(y))
    codes = DenseClassifier(epochs=3, random_state=0).fit(X, y)
    np.testing.assert_allclose(
        clf.predict_proba(X_test), codes.predict_proba(X_test), rtol=1e-4, atol=1e-6
    )


# -- batches and rows held out --------------------------------------------------------


@pytest.mark.parametrize("Estimator", [DenseClassifier, CNNRegressor])
def test_batches_of_none_are_those_of_keras(digits, Estimator):
    X, _, y, _ = digits
    options = {"epochs": 1, "random_state": 0}
    net = Estimator(batch_size=None, **options).fit(X, y)
    assert int(net.model_.optimizer.iterations) == -(-len(X) // 32)
    assert same_weights(net, Estimator(batch_size=32, **options).fit(X, y))
    assert net.get_params()["batch_size"] is None
    with pytest.raises(ValueError, match="'batch_size' parameter"):
        clone(net).set_params(batch_size=0).fit(X, y)


@pytest.mark.parametrize("Estimator", [DenseClassifier, DenseRegressor])
@pytest.mark.parametrize("weighted", [False, True])
def test_one_row_can_be_held_out(digits, Estimator, weighted):
    X, y = digits[0][:20], digits[2][:20] % 2
    weights = np.arange(20) + 1.0 if weighted else None
    options = {"epochs": 2, "random_state": 0, "dtype": "float64"}
    net = Estimator(validation_split=0.05, **options).fit(X, y, sample_weight=weights)
    alone = Estimator(**options).fit(
        X[:19], y[:19], sample_weight=None if weights is None else weights[:19]
    )
    assert same_weights(net, alone)
    expected = net.model_.loss(y[19:].reshape(1, 1), net.model_(X[19:]))
    assert net.history_["val_loss"][-1] == pytest.approx(float(expected), rel=1e-6)


# -- scikit-learn's configuration -----------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("container", ["pandas", "polars", "default"])
@pytest.mark.parametrize("Estimator", [DenseClassifier, CNNRegressor])
def test_the_output_of_transformers_is_no_matter(digits, Estimator, container):
    X, X_test, y, _ = digits
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    test = pd.DataFrame(X_test, columns=frame.columns)
    options = {"epochs": 1, "random_state": 0}
    expected = Estimator(**options).fit(frame, y)
    with config_context(transform_output=container):
        net = Estimator(**options).fit(frame, y)
        np.testing.assert_array_equal(net.predict(test), expected.predict(test))
        net.partial_fit(frame, y)
        assert isinstance(net.predict(test), np.ndarray)
    assert same_weights(net, expected.partial_fit(frame, y))
