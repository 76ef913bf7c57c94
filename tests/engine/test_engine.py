"""The fused loop computes what `keras.Model.fit` computes, callbacks included."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.engine import _training
from sknn_mnist.engine._network_state import get_state
from sknn_mnist.engine._plan import Samples, TrainingPlan
from sknn_mnist.engine._training import _KERAS_FIT_CALLBACKS, train
from sknn_mnist.networks._recipes import NetworkRecipe

pytestmark = pytest.mark.exact

RNG = np.random.default_rng(0)
X = RNG.random((150, 64)).astype("float32")  # 150 = 4 batches of 32 and one of 22
Y = (np.arange(150) % 3).astype("int32")
Y_NUMBER = (X[:, :2] @ [[1.0, -1], [2, 0.5]]).astype("float32")
WEIGHTS = RNG.random(150).astype("float32")
SETTINGS = {"batch_size": 32, "epochs": 3}


def recipe(estimator, y=Y):
    """Return what the estimator trains, without training it."""
    estimator._check_parameters()
    estimator._initialize(X, y)
    return estimator._network.recipe


def keras_fit(network, y=Y, sample_weight=None, callbacks=(), held_out=None, **kwargs):
    history = network.fit(
        X.reshape(-1, *network.inputs[0].shape[1:]),
        y,
        sample_weight=sample_weight,
        shuffle=False,
        validation_data=held_out,
        callbacks=list(callbacks),
        verbose=0,
        **{**SETTINGS, **kwargs},
    )
    return history.history


def trained_by(recipe, y=Y, sample_weight=None, x=X, **options):
    data = Samples(x, y, sample_weight)
    return train(recipe, None, TrainingPlan(data, shuffle=False, **SETTINGS, **options))


def assert_same(ours, keras_network, rtol=1e-4, atol=1e-6):
    for part, values in get_state(keras_network).items():
        for ours_value, value in zip(ours[part], values, strict=True):
            np.testing.assert_allclose(ours_value, value, rtol=rtol, atol=atol)


def assert_same_history(ours, theirs):
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-4, atol=1e-6)


def schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.7)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DenseClassifier(),
        lambda: DenseClassifier(hidden_size=(16, 8), batch_norm=True),
        lambda: DenseClassifier(dropout=0.4),
        lambda: CNNClassifier(filters=4, hidden_size=8),
        lambda: CNNClassifier(filters=(4, 4), batch_norm=True, hidden_size=8),
        lambda: CNNClassifier(
            filters=4, hidden_size=8, augmentation=["translation", "contrast"]
        ),
        lambda: DenseClassifier(loss="categorical_crossentropy"),
        lambda: DenseClassifier(learning_rate=schedule()),
        lambda: DenseClassifier(optimizer=keras.optimizers.Adam(clipnorm=0.01)),
        lambda: DenseClassifier(optimizer=keras.optimizers.Adam(global_clipnorm=0.1)),
        lambda: DenseClassifier(optimizer=keras.optimizers.AdamW(weight_decay=0.1)),
        lambda: DenseClassifier(
            optimizer=keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
            learning_rate=None,
        ),
        lambda: DenseClassifier(
            optimizer=keras.optimizers.Adam(gradient_accumulation_steps=3)
        ),
        lambda: DenseClassifier(
            optimizer=keras.optimizers.Adam(use_ema=True, ema_momentum=0.5)
        ),
        lambda: DenseClassifier(
            metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]
        ),
        lambda: DenseClassifier(dtype="float64"),
    ],
    ids=[
        *["dense", "dense-bn", "dropout", "cnn", "cnn-bn", "augmented"],
        *["one-hot", "schedule"],
        *["clipnorm", "global-clipnorm", "adamw", "sgd", "accumulation", "ema"],
        *["metrics", "float64"],
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_parity_with_keras_fit(make, weighted):
    net = make().set_params(random_state=1, **SETTINGS)
    net_recipe = recipe(net)
    y = net.target_encoder_.transform(Y)
    weights = WEIGHTS if weighted else None
    network = net_recipe.new_network()
    theirs = keras_fit(network, y, weights)
    rows = X.reshape(-1, *network.inputs[0].shape[1:])
    trained = trained_by(net_recipe, y, weights, rows)
    assert_same(trained.state, network)
    assert_same_history(trained.history, theirs)


def regularised(activation, dtype, seed):
    start = keras.initializers.GlorotUniform(seed)
    return keras.Sequential(
        [
            keras.layers.Input((64,), dtype=dtype),
            keras.layers.Dense(
                16,
                activation=activation,
                kernel_initializer=start,
                kernel_regularizer=keras.regularizers.L2(0.1),
                activity_regularizer=keras.regularizers.L1(0.01),
                kernel_constraint=keras.constraints.MaxNorm(1.0),
            ),
            keras.layers.Dense(3, activation="softmax", kernel_initializer=start),
        ]
    )


def test_parity_with_regularisers_and_constraints():
    net_recipe = NetworkRecipe(
        builder=regularised,
        options={"activation": "relu", "dtype": "float32"},
        compile_options={
            "optimizer": "adam",
            "learning_rate": 0.01,
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        owner="test",
        seed=3,
    )
    network = net_recipe.new_network()
    theirs = keras_fit(network)
    trained = trained_by(net_recipe)
    assert_same(trained.state, network)
    assert_same_history(trained.history, theirs)
    assert theirs["loss"][0] > 1.5  # the penalties are in it


def test_parity_of_validation_and_of_a_regressor():
    net = DenseRegressor(random_state=1, metrics=["mae"])
    net_recipe = recipe(net, Y_NUMBER)
    held_out = (X[:40], Y_NUMBER[:40], WEIGHTS[:40])
    network = net_recipe.new_network()
    theirs = keras_fit(network, Y_NUMBER, held_out=held_out)
    trained = trained_by(net_recipe, Y_NUMBER, validation_data=Samples(*held_out))
    assert_same(trained.state, network)
    assert_same_history(trained.history, theirs)
    assert "val_loss" in trained.history


def test_class_and_sample_weights_are_those_of_keras():
    weights = {0: 0.5, 1: 1.0, 2: 3.0}
    net = DenseClassifier(
        random_state=1, shuffle=False, class_weight=weights, **SETTINGS
    )
    network = recipe(net).new_network()
    net.fit(X, Y, sample_weight=WEIGHTS)
    both = WEIGHTS * np.array([weights[c] for c in Y], "float32")
    theirs = keras_fit(network, Y, both / both.mean())
    assert_same(net._network.state, network)
    np.testing.assert_allclose(net.history_["loss"], theirs["loss"], rtol=1e-4)


# -- callbacks ------------------------------------------------------------------------


class Recorder(keras.callbacks.Callback):
    """Notes every call and its logs, in a list that copies share."""

    def __deepcopy__(self, memo):
        return self

    def __init__(self, names):
        super().__init__()
        self.calls = []
        for name in names:
            setattr(self, name, self._noting(name))

    def _noting(self, name):
        def note(*args, **kwargs):
            numbers = [each for each in args if isinstance(each, int)]
            logs = kwargs.get("logs") or next(
                (each for each in args if isinstance(each, dict)), {}
            )
            self.calls.append((name, *numbers, {k: float(v) for k, v in logs.items()}))

        return note


EPOCH = ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"]
BATCH = ["on_train_batch_begin", "on_train_batch_end"]
TEST = ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"]


@pytest.mark.parametrize(
    "names", [EPOCH, EPOCH + BATCH, EPOCH + BATCH + TEST], ids=["epoch", "batch", "all"]
)
def test_callbacks_get_the_calls_and_logs_of_keras(names):
    net_recipe = recipe(DenseClassifier(random_state=1))
    held_out = (X[:40], Y[:40], None)
    theirs, ours = Recorder(names), Recorder(names)
    network = net_recipe.new_network()
    keras_fit(network, callbacks=[theirs], held_out=held_out[:2])
    trained_by(net_recipe, validation_data=Samples(*held_out), callbacks=[ours])
    if names[-1] == "on_test_end":
        # Keras validates in batches of the training's size, ours in larger ones.
        def dropped(calls):
            return [call for call in calls if "test_batch" not in call[0]]

        assert ("on_test_batch_begin", 0, {}) in ours.calls
        ours.calls, theirs.calls = dropped(ours.calls), dropped(theirs.calls)
    assert [call[:-1] for call in ours.calls] == [call[:-1] for call in theirs.calls]
    for (*_, our_logs), (*_, their_logs) in zip(ours.calls, theirs.calls, strict=True):
        assert our_logs == pytest.approx(their_logs, rel=1e-4, abs=1e-6)
    batches = [call for call in ours.calls if call[0] == "on_train_batch_end"]
    assert len(batches) == (15 if "on_train_batch_end" in names else 0)


def fitted(*callbacks, y=Y, **parameters):
    options = {"random_state": 0, "batch_size": 32, "epochs": 8, **parameters}
    return DenseClassifier(callbacks=list(callbacks), **options).fit(X, y)


def noise():
    return np.random.default_rng(1).integers(0, 3, len(X))


def test_early_stopping_restores_the_best_weights():
    # Labels of noise: validation gets worse as training goes on.
    options = {"validation_split": 0.3, "learning_rate": 0.05, "epochs": 40}
    stopped = fitted(
        keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True),
        y=noise(),
        **options,
    )
    losses = stopped.history_["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 40
    shorter = fitted(y=noise(), **{**options, "epochs": best + 1})
    np.testing.assert_array_equal(stopped.predict_proba(X), shorter.predict_proba(X))


def test_reduce_lr_on_plateau_changes_the_rate_of_this_fit_alone():
    plateau = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=0, min_delta=10.0, cooldown=0
    )
    rates = fitted(plateau).history_["learning_rate"]
    assert rates[0] == pytest.approx(0.001)
    assert rates[-1] < 0.001 / 50
    again = fitted()
    assert float(again.model_.optimizer.learning_rate.numpy()) == pytest.approx(0.001)


def test_scheduler_swap_ema_and_stopping():
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    rates = fitted(halving).history_["learning_rate"]
    np.testing.assert_allclose(rates, 0.001 / 2.0 ** np.arange(1, 9), rtol=1e-5)
    ema = fitted(
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        optimizer=keras.optimizers.Adam(use_ema=True, ema_momentum=0.9),
    )
    assert ema.score(X, Y) > 0


class StopAtBatch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.model.stop_training = True


def test_a_callback_can_stop_within_an_epoch():
    net = fitted(StopAtBatch())
    assert len(net.history_["loss"]) == 1
    assert int(net.model_.optimizer.iterations.numpy()) == 3


def test_model_checkpoint_and_csv_logger(tmp_path):
    net = fitted(
        keras.callbacks.ModelCheckpoint(tmp_path / "net-{epoch}.keras"),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        epochs=2,
    )
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"net-1.keras", "net-2.keras", "log.csv"}
    stored = keras.models.load_model(tmp_path / "net-2.keras")
    np.testing.assert_allclose(
        stored.predict(X, verbose=0), net.predict_proba(X), rtol=1e-5
    )
    logged = pd.read_csv(tmp_path / "log.csv")["loss"]
    np.testing.assert_allclose(logged, net.history_["loss"])


def test_a_checkpoint_by_batches_sees_each_batch(tmp_path):
    path = tmp_path / "after-{batch}.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, save_freq=2, save_weights_only=True
    )
    fitted(checkpoint, epochs=1)  # five batches
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["after-2.weights.h5", "after-4.weights.h5"]


def test_terminate_on_nan_ends_training_within_the_epoch():
    with pytest.raises(ValueError, match=r"diverged: .* after 1 epoch"):
        fitted(keras.callbacks.TerminateOnNaN(), learning_rate=1e38, dtype="float32")


def test_what_needs_the_fit_of_keras_gets_it(monkeypatch):
    """By the same batches, so that nobody can tell."""
    calls = []
    original = keras.Model.fit
    monkeypatch.setattr(
        keras.Model, "fit", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    options = {"epochs": 2, "dropout": 0.3, "validation_split": 0.2}
    plain = fitted(keras.callbacks.History(), **options)
    assert calls == []
    monkeypatch.setattr(_training, "_KERAS_FIT_CALLBACKS", (keras.callbacks.History,))
    other = fitted(keras.callbacks.History(), **options)
    assert calls == [1]
    assert_same_history(other.history_, plain.history_)
    np.testing.assert_allclose(
        other.predict_proba(X), plain.predict_proba(X), rtol=1e-4
    )
    assert keras.callbacks.TensorBoard in _KERAS_FIT_CALLBACKS


def test_a_strategy_is_refused():
    with (
        tf.distribute.OneDeviceStrategy("/cpu:0").scope(),
        pytest.raises(ValueError, match="can't train within the scope of"),
    ):
        fitted(epochs=1)


def test_verbose_2_prints_a_line_an_epoch_as_keras_does(capsys):
    fitted(epochs=2, verbose=2)
    out = capsys.readouterr().out
    assert "Epoch 2/2\n5/5 - " in out


def test_metrics_keep_the_names_and_values_of_keras():
    net = fitted(
        epochs=2,
        loss="categorical_crossentropy",
        metrics=["mae", keras.metrics.F1Score(), "accuracy"],
    )
    assert list(net.history_) == ["accuracy", "f1_score", "loss", "mae"]
    assert [np.shape(value) for value in net.history_["f1_score"]] == [(3,)] * 2
    stopping = keras.callbacks.EarlyStopping("mae", mode="min", min_delta=10)
    stopped = fitted(stopping, loss="categorical_crossentropy", metrics="mae")
    assert len(stopped.history_["mae"]) == 2


class Killed(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise RuntimeError("killed")


def test_backup_and_restore_goes_on_with_the_right_batches(tmp_path):
    backup = keras.callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)
    with pytest.raises(RuntimeError, match="killed"):
        fitted(backup, Killed(), epochs=5)
    resumed = fitted(backup, epochs=5)
    np.testing.assert_array_equal(
        resumed.predict_proba(X), fitted(epochs=5).predict_proba(X)
    )
    losses = resumed.history_["loss"]
    assert np.isnan(losses).tolist() == [True, True, True, False, False]
    assert resumed.current_epoch == 5
    assert len(fitted(epochs=1).history_["loss"]) == 1
