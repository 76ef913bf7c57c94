"""Encoders of own networks: several inputs and outputs, images of rows, own scores."""

import copy
import pickle

import joblib
import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, mean_squared_error
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, MinMaxScaler

from sknn_mnist import KerasClassifier, KerasRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
CODES = np.digitize(X[:, 0], [-0.5, 0.5])
BINARY = (X[:, 3] > 0).astype(int)
SUMS = X.sum(axis=1)
QUICK = {"epochs": 1, "batch_size": 32, "random_state": 0}
LEARNT = {"epochs": 40, "batch_size": 16, "learning_rate": 0.05, "random_state": 0}


def make_two_inputs(n_outputs=3, activation="softmax"):
    """Take a first column and the other three apart."""
    first, others = keras.Input((1,), name="first"), keras.Input((3,), name="others")
    both = keras.layers.Concatenate()(
        [keras.layers.Dense(4)(first), keras.layers.Dense(4)(others)]
    )
    return keras.Model(
        [first, others], keras.layers.Dense(n_outputs, activation=activation)(both)
    )


def make_images(filters=2):
    return keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def make_tokens(size=4):
    """Build a network that has no use for anything but integers."""
    return keras.Sequential(
        [
            keras.layers.Embedding(20, size),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def make_two_heads(meta):
    """Build a sigmoid and a softmax, as its target encoder tells."""
    inputs = keras.Input((meta["n_features_in_"],))
    hidden = keras.layers.Dense(16, activation="relu")(inputs)
    model = keras.Model(
        inputs,
        [
            keras.layers.Dense(1, activation="sigmoid")(hidden),
            keras.layers.Dense(meta["n_classes_"][1], activation="softmax")(hidden),
        ],
    )
    model.compile(loss=["binary_crossentropy", "sparse_categorical_crossentropy"])
    return model


def make_autoencoder(meta, size=2):
    """Build a network that learns to give what it gets, by way of a narrow layer."""
    width = meta["n_features_in_"]
    return keras.Sequential(
        [
            keras.layers.Input((width,)),
            keras.layers.Dense(size, name="code"),
            keras.layers.Dense(width),
        ]
    )


def apart(rows):
    return [rows[:, :1], rows[:, 1:]]


def by_name(rows):
    return {"first": rows[:, :1], "others": rows[:, 1:]}


def as_images(rows):
    return rows.reshape(len(rows), 8, 8, 1)


# -- features ---------------------------------------------------------------------


class Apart(KerasClassifier):
    """Has its encoder in the class, as SciKeras's users write it."""

    @property
    def feature_encoder(self):
        return FunctionTransformer(func=apart)


@pytest.mark.parametrize(
    "make",
    [
        lambda: KerasClassifier(
            make_two_inputs, feature_encoder=FunctionTransformer(apart), **LEARNT
        ),
        lambda: KerasClassifier(make_two_inputs, feature_encoder=apart, **LEARNT),
        lambda: KerasClassifier(make_two_inputs, feature_encoder=by_name, **LEARNT),
        lambda: Apart(make_two_inputs, **LEARNT),
    ],
    ids=["transformer", "function", "function to a dict", "subclass"],
)
def test_a_matrix_for_several_inputs(make):
    net = make().fit(X, CODES)
    assert net.score(X, CODES) > 0.9
    assert net.n_features_in_ == 4
    scores = cross_val_score(make(), X, CODES, cv=2, error_score="raise")
    assert scores.min() > 0.6
    for each in (clone(net).fit(X, CODES), copy.deepcopy(net)):
        np.testing.assert_array_equal(each.predict_proba(X), net.predict_proba(X))
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("form", [apart, by_name], ids=["list", "dict"])
def test_several_inputs_by_themselves(form):
    net = KerasClassifier(make_two_inputs, **LEARNT).fit(form(X), CODES)
    encoded = KerasClassifier(make_two_inputs, feature_encoder=apart, **LEARNT)
    expected = encoded.fit(X, CODES).predict_proba(X)
    np.testing.assert_array_equal(net.predict_proba(form(X)), expected)
    assert net.score(form(X), CODES) > 0.9
    net.partial_fit(form(X), CODES)
    assert len(net.history_["loss"]) == LEARNT["epochs"] + 1
    with pytest.raises(ValueError, match="as in fit"):
        net.predict(X)


def test_several_inputs_must_have_as_many_rows():
    with pytest.raises(ValueError, match=r"samples|rows|lengths"):
        KerasClassifier(make_two_inputs, **QUICK).fit([X[:, :1], X[:5, 1:]], CODES)
    with pytest.raises(ValueError, match=r"input|first|others"):
        KerasClassifier(make_two_inputs, **QUICK).fit({"first": X[:, :1]}, CODES)


def test_a_regressor_of_several_inputs():
    net = KerasRegressor(
        make_two_inputs,
        n_outputs=1,
        activation=None,
        feature_encoder=apart,
        **LEARNT,
    )
    assert net.fit(X, SUMS).score(X, SUMS) > 0.9


@pytest.mark.slow
def test_images_of_rows(digits):
    X, X_test, y, y_test = digits
    pipe = make_pipeline(
        MinMaxScaler(),
        KerasClassifier(make_images, feature_encoder=as_images, **LEARNT),
    )
    grid = GridSearchCV(
        pipe, {"kerasclassifier__filters": [2, 4]}, cv=2, error_score="raise"
    )
    grid.fit(X[:300], y[:300])
    assert grid.score(X_test[:100], y_test[:100]) > 0.7


def test_images_as_they_are(digits):
    X, _, y, _ = digits
    images = as_images(X[:100])
    net = KerasClassifier(make_images, **QUICK).fit(images, y[:100])
    encoded = KerasClassifier(make_images, feature_encoder=as_images, **QUICK)
    np.testing.assert_array_equal(
        net.predict_proba(images), encoded.fit(X[:100], y[:100]).predict_proba(X[:100])
    )


def test_sequences_may_be_of_another_length_later():
    def make():
        return keras.Sequential(
            [
                keras.layers.Input((None, 2)),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(2, activation="softmax"),
            ]
        )

    long = np.random.default_rng(0).normal(size=(60, 7, 2)).astype(np.float32)
    y = (long[:, :, 0].mean(axis=1) > 0).astype(int)
    net = KerasClassifier(make, **LEARNT).fit(long, y)
    assert net.score(long[:, :5], y) > 0.7
    net.partial_fit(long[:, :3], y)
    with pytest.raises(ValueError, match="rows of shape"):
        net.predict(long[:, :, :1])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_integers_stay_integers(dtype):
    tokens = np.random.default_rng(0).integers(0, 20, (60, 5)).astype(dtype)
    y = (tokens < 10).mean(axis=1) > 0.5
    seen = []

    def make(meta, size=4):
        seen.append(meta["X_dtype_"])
        return make_tokens(size)

    net = KerasClassifier(make, **LEARNT).fit(tokens, y)
    assert set(seen) == {np.dtype(dtype)}
    assert net.score(tokens, y) > 0.9
    assert cross_val_score(net, tokens, y, cv=2, error_score="raise").shape == (2,)


@pytest.mark.parametrize(
    "dtype", ["float16", "float64", "int64", "uint8", bool, object]
)
def test_numbers_of_any_dtype_reach_a_network_of_floats(dtype):
    rows = np.abs(np.round(X * 2)).astype(np.float32)
    expected = Apart(make_two_inputs, **QUICK).fit(rows.astype(bool), CODES)
    given = rows.astype(bool).astype(dtype)
    net = Apart(make_two_inputs, **QUICK).fit(given, CODES)
    np.testing.assert_array_equal(
        net.predict_proba(given), expected.predict_proba(rows.astype(bool))
    )


class Scaled(TransformerMixin, BaseEstimator):
    """Learns a scale in fit, and tells of it."""

    def __init__(self, upto=1.0):
        self.upto = upto

    def fit(self, X, y=None):
        self.largest_ = np.abs(X).max()
        return self

    def transform(self, X):
        return X * (self.upto / self.largest_)

    def get_metadata(self):
        return {"scale_": self.upto / self.largest_}


def test_an_encoder_learns_from_what_is_fitted_and_tells_the_function():
    seen = {}

    def make(meta):
        seen.update(meta)
        return keras.Sequential(
            [keras.layers.Input((4,)), keras.layers.Dense(3, activation="softmax")]
        )

    net = KerasClassifier(make, feature_encoder=Scaled(2.0), **QUICK)
    encoder = net.feature_encoder
    net.fit(X[:50], CODES[:50])
    assert net.feature_encoder_.largest_ == np.abs(X[:50]).max()
    assert not hasattr(encoder, "largest_")  # a fit has its own
    assert seen["scale_"] == pytest.approx(2 / np.abs(X[:50]).max())
    assert net.scale_ == seen["scale_"]
    np.testing.assert_allclose(
        net.predict_proba(X),
        net.model_.predict(X * net.scale_, verbose=0),
        atol=1e-5,
    )


# -- targets ----------------------------------------------------------------------


class TwoColumns(TransformerMixin, BaseEstimator):
    """Encodes labels of two columns, for a sigmoid and a softmax."""

    def fit(self, y):
        self.encoders_ = [LabelEncoder().fit(column) for column in y.T]
        self.n_classes_ = [len(each.classes_) for each in self.encoders_]
        self.n_outputs_expected_ = 2
        return self

    def transform(self, y):
        columns = zip(self.encoders_, y.T, strict=True)
        return [each.transform(column) for each, column in columns]

    def inverse_transform(self, y, return_proba=False):
        first, second = y
        if return_proba:
            return np.column_stack([1 - first, first, second])
        codes = [(first[:, 0] > 0.5).astype(int), second.argmax(axis=1)]
        labels = zip(self.encoders_, codes, strict=True)
        return np.column_stack([each.inverse_transform(code) for each, code in labels])

    def get_metadata(self):
        return {
            "n_classes_": self.n_classes_,
            "n_outputs_expected_": self.n_outputs_expected_,
        }


class TwoHeads(KerasClassifier):
    """Has its target encoder and its score in the class."""

    @property
    def target_encoder(self):
        return TwoColumns()

    @staticmethod
    def scorer(y_true, y_pred, **kwargs):
        return np.mean(
            [
                accuracy_score(*each, **kwargs)
                for each in zip(y_true.T, y_pred.T, strict=True)
            ]
        )


class Balanced(KerasClassifier):
    """Has another score than the accuracy."""

    scorer = staticmethod(balanced_accuracy_score)


class Errors(KerasRegressor):
    """Scores by a method of its own."""

    def scorer(self, y_true, y_pred, sample_weight=None):
        return -mean_squared_error(y_true, y_pred, sample_weight=sample_weight)


TWO_COLUMNS = np.column_stack([np.where(BINARY, "yes", "no"), CODES.astype(str)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: TwoHeads(make_two_heads, **LEARNT),
        lambda: KerasClassifier(make_two_heads, target_encoder=TwoColumns(), **LEARNT),
    ],
    ids=["subclass", "parameter"],
)
def test_a_target_encoder_of_ones_own(make):
    net = make().fit(X, TWO_COLUMNS)
    predicted = net.predict(X)
    assert predicted.shape == TWO_COLUMNS.shape
    assert (predicted == TWO_COLUMNS).mean() > 0.85
    assert net.n_classes_ == [2, 3]
    assert net.predict_proba(X).shape == (90, 5)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), predicted)


def test_a_score_of_ones_own_counts_in_a_search():
    grid = GridSearchCV(
        TwoHeads(make_two_heads, **{**LEARNT, "epochs": 1}),
        {"epochs": [1, 40]},
        cv=2,
        error_score="raise",
    ).fit(X, TWO_COLUMNS)
    assert grid.best_params_ == {"epochs": 40}
    assert grid.score(X, TWO_COLUMNS) == pytest.approx(
        (grid.predict(X) == TWO_COLUMNS).mean()
    )


def test_scores_replace_the_defaults_with_weights_too():
    weights = np.where(CODES == 0, 0.1, 1.0)
    net = Balanced(make_model_of_three, **QUICK).fit(X, CODES)
    expected = balanced_accuracy_score(CODES, net.predict(X), sample_weight=weights)
    assert net.score(X, CODES, sample_weight=weights) == pytest.approx(expected)
    net = Errors(make_sum, **QUICK).fit(X, SUMS)
    errors = (net.predict(X) - SUMS) ** 2
    assert net.score(X, SUMS) == pytest.approx(-errors.mean(), rel=1e-5)
    assert net.score(X, SUMS, sample_weight=weights) == pytest.approx(
        -np.average(errors, weights=weights), rel=1e-5
    )


def make_model_of_three():
    return keras.Sequential(
        [keras.layers.Input((4,)), keras.layers.Dense(3, activation="softmax")]
    )


def make_sum():
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])


class Logarithm(TransformerMixin, BaseEstimator):
    """Encodes numbers; its inverse knows of no probabilities."""

    def fit(self, y):
        return self

    def transform(self, y):
        return np.log(y)

    def inverse_transform(self, y):
        return np.exp(y)[:, 0]


def test_a_target_encoder_of_numbers():
    y = np.exp(SUMS)
    net = KerasRegressor(make_sum, target_encoder=Logarithm(), **LEARNT).fit(X, y)
    assert net.predict(X).shape == y.shape
    assert np.corrcoef(np.log(net.predict(X)), SUMS)[0, 1] > 0.99


def test_a_target_encoder_of_ones_own_wants_a_loss():
    class Codes(LabelEncoder):
        def inverse_transform(self, y):
            return super().inverse_transform(y.argmax(axis=1))

    net = KerasClassifier(make_model_of_three, target_encoder=Codes(), **QUICK)
    with pytest.raises(ValueError, match="'loss' parameter"):
        net.fit(X, CODES)
    net.set_params(loss="sparse_categorical_crossentropy").fit(X, CODES)
    assert net.predict(X).shape == CODES.shape


def test_as_many_outputs_as_the_encoder_expects():
    with pytest.raises(ValueError, match="output"):
        KerasClassifier(make_model_of_three, target_encoder=TwoColumns(), **QUICK).fit(
            X, TWO_COLUMNS
        )


# -- transformers -----------------------------------------------------------------


class AutoEncoder(KerasRegressor):
    """Learns X from X, and gives what its narrow layer makes of it."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X, X, sample_weight)


@pytest.mark.parametrize("layer", ["code", 0], ids=["name", "index"])
def test_an_autoencoder_transforms(layer):
    net = KerasRegressor(make_autoencoder, transform_layer=layer, size=3, **LEARNT)
    codes = net.fit(X, X).transform(X)
    assert codes.shape == (90, 3)
    kernel, bias = net.model_.get_layer("code").get_weights()
    np.testing.assert_allclose(codes, X @ kernel + bias, atol=1e-4)
    assert net.predict(X).shape == X.shape
    assert net.score(X, X) > 0.6


@pytest.mark.slow
def test_an_autoencoder_in_a_pipeline_of_labels():
    pipe = make_pipeline(
        AutoEncoder(make_autoencoder, transform_layer="code", size=4, **LEARNT),
        LogisticRegression(),
    )
    grid = GridSearchCV(pipe, {"autoencoder__size": [1, 4]}, cv=2, error_score="raise")
    grid.fit(X, CODES)
    assert grid.best_params_ == {"autoencoder__size": 4}
    assert grid.score(X, CODES) > 0.8


def test_what_a_classifier_has_learnt_feeds_another(digits):
    X, _, y, _ = digits
    pipe = make_pipeline(
        KerasClassifier(
            make_images, feature_encoder=as_images, transform_layer=0, **QUICK
        ),
        LogisticRegression(max_iter=500),
    ).fit(X[:200], y[:200])
    # The maps of a convolution lie flat.
    assert pipe[0].transform(X[:5]).shape == (5, 6 * 6 * 2)
    assert pipe.score(X[:200], y[:200]) > 0.9


@pytest.mark.parametrize("layer", ["cod", 7, object()])
def test_a_layer_that_is_not_there_is_refused(layer):
    net = KerasRegressor(make_autoencoder, transform_layer=layer, **QUICK)
    with pytest.raises((TypeError, ValueError), match="transform_layer"):
        net.fit(X, X)


def test_encoders_go_with_an_estimator_to_a_file(tmp_path):
    net = TwoHeads(make_two_heads, feature_encoder=Scaled(), **QUICK)
    net.fit(X, TWO_COLUMNS)
    joblib.dump(net, tmp_path / "net.joblib")
    again = joblib.load(tmp_path / "net.joblib")
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.feature_encoder_.largest_ == net.feature_encoder_.largest_


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (lambda X: "text", "It made str of it"),
        (lambda X: None, "It made NoneType of it"),
        (lambda X: [X, X.tolist()], "It made list of it, with float inside"),
        (lambda X: X.sum(), "It made float"),
    ],
)
def test_a_feature_encoder_must_make_arrays(made, match):
    net = KerasClassifier(make_images, feature_encoder=made, **QUICK)
    with pytest.raises(ValueError, match=f"feature_encoder of KerasC.*{match}"):
        net.fit(X, CODES)


def test_tokens_that_an_embedding_lacks_are_said():
    def make():
        return keras.Sequential(
            [
                keras.layers.Input((4,), dtype="int32"),
                keras.layers.Embedding(3, 2),
                keras.layers.Flatten(),
                keras.layers.Dense(2, activation="softmax"),
            ]
        )

    tokens = np.full((90, 4), 3)
    with pytest.raises(ValueError, match=r"X of KerasClassifier .* not in \[0, 3\)"):
        KerasClassifier(make, **QUICK).fit(tokens, BINARY)
    assert (
        KerasClassifier(make, **QUICK).fit(tokens - 1, BINARY).score(tokens - 1, BINARY)
    )
