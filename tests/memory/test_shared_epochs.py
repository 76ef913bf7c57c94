"""With `memory`, fits go on from each other, and nothing else is different."""

import warnings

import joblib
import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
    validation_curve,
)

import sknn_mnist
from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor
from sknn_mnist.memory import _stores
from sknn_mnist.networks import _conditions

pytestmark = [pytest.mark.exact, pytest.mark.usefixtures("nothing_kept")]

RNG = np.random.default_rng(0)
X = RNG.random((90, 36)).astype("float32")
Y = (X[:, :3] + 0.3 * RNG.random((90, 3))).argmax(axis=1)

NETS = {
    "dense": DenseClassifier(hidden_size=8, batch_size=16, random_state=0),
    "dropout": DenseClassifier((8, 8), dropout=0.5, batch_size=16, random_state=1),
    "cnn": CNNClassifier(filters=(3, 3), hidden_size=4, batch_size=32, random_state=2),
    "batch norm": CNNClassifier(
        filters=4, batch_norm=True, dropout=0.3, batch_size=32, random_state=3
    ),
    "regressor": DenseRegressor(
        batch_norm=True, optimizer="sgd", learning_rate=0.1, random_state=4
    ),
    "schedule": DenseClassifier(
        learning_rate=keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5),
        validation_split=0.2,
        random_state=5,
    ),
    "weights": DenseClassifier(
        class_weight="balanced", optimizer="rmsprop", random_state=6
    ),
}


def assert_same_fit(one, other):
    assert one.history_ == other.history_
    for a, b in zip(one.model_.variables, other.model_.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    variables = one.model_.optimizer.variables, other.model_.optimizer.variables
    for a, b in zip(*variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def scores(results):
    return {
        name: np.ma.getdata(values).tolist()
        for name, values in results.items()
        if "score" in name and "time" not in name
    }


# -- the same results --------------------------------------------------------------


@pytest.mark.parametrize("name", NETS)
def test_a_fit_goes_on_and_equals_an_uninterrupted_one(name, memory):
    net = NETS[name]
    alone = clone(net).set_params(epochs=5).fit(X, Y)
    shared = clone(net).set_params(memory=memory)
    starts = []
    for epochs in (2, 5, 5, 3, 1):
        fitted = clone(shared).set_params(epochs=epochs).fit(X, Y)
        starts.append(fitted.initial_epoch_)
        assert len(fitted.history_["loss"]) == epochs
        assert_same_fit(fitted, clone(net).set_params(epochs=epochs).fit(X, Y))
        if epochs == 5:
            assert_same_fit(fitted, alone)
    assert starts == [0, 2, 5, 2, 1]  # of 3 epochs nobody had asked


@pytest.mark.parametrize("epochs", [[1, 2, 4], [4, 1, 2], [2, 4, 1]])
@pytest.mark.parametrize("name", ["dense", "dropout", "cnn", "batch norm"])
def test_a_search_gives_the_same_results(name, epochs, memory):
    def results(where):
        net = clone(NETS[name]).set_params(memory=where)
        search = GridSearchCV(
            net, {"epochs": epochs, "activation": ["relu", "tanh"]}, cv=2,
            return_train_score=True,
        )  # fmt: skip
        return scores(search.fit(X, Y).cv_results_)

    alone = results(None)
    assert results(memory) == alone
    assert results(memory) == alone  # all found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dense", "dropout", "cnn", "batch norm"])
def test_two_workers_give_the_same_results(name, memory):
    def results(where, n_jobs):
        net = clone(NETS[name]).set_params(memory=where)
        grid = {"epochs": [4, 1, 2], "activation": ["relu", "tanh"]}
        return GridSearchCV(
            net, grid, cv=3, n_jobs=n_jobs, return_train_score=True
        ).fit(X, Y)

    alone = scores(results(None, 1).cv_results_)
    search = results(memory, 2)
    assert scores(search.cv_results_) == alone
    assert scores(results(memory, 1).cv_results_) == alone
    if memory != ":memory:":  # which each process has for itself
        assert search.best_estimator_.initial_epoch_ == 0  # of all rows: new
        again = results(memory, 2)
        assert scores(again.cv_results_) == alone
        assert again.best_estimator_.initial_epoch_ == again.best_params_["epochs"]


@pytest.mark.parametrize(
    "search",
    [
        lambda net, **o: RandomizedSearchCV(
            net, {"epochs": [1, 2, 3, 4], "dropout": [0, 0.5]}, n_iter=6,
            random_state=0, **o,
        ),
        lambda net, **o: HalvingGridSearchCV(
            net, {"hidden_size": [2, 4, 8]}, resource="epochs", factor=2,
            min_resources=1, max_resources=4, **o,
        ),
    ],
    ids=["randomized", "halving"],
)  # fmt: skip
def test_other_searches_go_on_too(search, memory):
    net = NETS["dense"]
    alone = search(clone(net), cv=2).fit(X, Y)
    shared = search(clone(net).set_params(memory=memory), cv=2).fit(X, Y)
    assert scores(shared.cv_results_) == scores(alone.cv_results_)
    assert shared.best_params_ == alone.best_params_


def test_each_rung_of_halving_continues_the_last(memory):
    starts = []

    class Spy(DenseClassifier):
        def fit(self, X, y, sample_weight=None):
            fitted = super().fit(X, y, sample_weight)
            starts.append((self.initial_epoch_, self.epochs))
            return fitted

    HalvingGridSearchCV(
        Spy(memory=memory, random_state=0), {"hidden_size": [2, 4, 8, 16]},
        resource="epochs", factor=2, min_resources=1, max_resources=4, cv=2,
        refit=False,
    ).fit(X, Y)  # fmt: skip
    assert starts == [(0, 1)] * 8 + [(1, 2)] * 4 + [(2, 4)] * 2


def test_validation_curve_and_cross_validate_go_on(memory):
    net = clone(NETS["dense"])
    options = {"param_name": "epochs", "param_range": [1, 3, 2], "cv": 3}
    alone = validation_curve(net, X, Y, **options)
    net.set_params(memory=memory)
    np.testing.assert_array_equal(validation_curve(net, X, Y, **options), alone)
    found = cross_validate(net.set_params(epochs=3), X, Y, cv=3, return_estimator=True)[
        "estimator"
    ]
    assert [each.initial_epoch_ for each in found] == [3, 3, 3]
    np.testing.assert_array_equal([each.score(X, Y) for each in found],
                                  [each.score(X, Y) for each in cross_validate(
        clone(net).set_params(memory=None), X, Y, cv=3, return_estimator=True
    )["estimator"]])  # fmt: skip


def test_a_longer_training_serves_an_image_net_of_the_regressor(memory):
    net = CNNRegressor(filters=2, memory=memory, random_state=0)
    long = clone(net).set_params(epochs=3).fit(X, Y.astype(float))
    short = clone(net).set_params(epochs=2).fit(X, Y.astype(float))
    assert short.initial_epoch_ == 2
    assert short.history_["loss"] == long.history_["loss"][:2]


# -- what is another training ------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 9},
        {"activation": "tanh"},
        {"dropout": 0.1},
        {"batch_norm": True},
        {"optimizer": "sgd"},
        {"learning_rate": 0.01},
        {"loss": "categorical_crossentropy"},
        {"metrics": ["sparse_top_k_categorical_accuracy"]},
        {"batch_size": 15},
        {"validation_split": 0.1},
        {"shuffle": False},
        {"class_weight": {0: 2}},
        {"random_state": 7},
        {"dtype": "float64"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_parameter_is_another_training(change, memory):
    net = clone(NETS["dense"]).set_params(memory=memory, epochs=2).fit(X, Y)
    other = clone(net).set_params(**change)
    if "loss" in change:
        assert other.fit(X, np.eye(3)[Y]).initial_epoch_ == 0
    else:
        assert other.fit(X, Y).initial_epoch_ == 0
    assert clone(net).fit(X, Y).initial_epoch_ == 2


@pytest.mark.parametrize("change", [{"verbose": 0}, {"warm_start": True}, {}])
def test_what_does_not_train_differently_is_the_same(change, memory):
    net = clone(NETS["dense"]).set_params(memory=memory, epochs=2).fit(X, Y)
    assert clone(net).set_params(**change).fit(X, Y).initial_epoch_ == 2


def test_other_data_are_another_training(memory):
    net = clone(NETS["dense"]).set_params(memory=memory, epochs=2).fit(X, Y)
    changed = X.copy()
    changed[-1, -1] = np.nextafter(changed[-1, -1], np.float32(2))
    relabelled = Y.copy()
    relabelled[0] = (relabelled[0] + 1) % 3
    weights = np.ones(len(X))
    for X_, y_, w_ in (
        (changed, Y, None),
        (X[::-1], Y[::-1], None),
        (X[:-1], Y[:-1], None),
        (X, relabelled, None),
        (X, Y, weights),
        (X[:, :-1], Y, None),
    ):
        assert clone(net).fit(X_, y_, sample_weight=w_).initial_epoch_ == 0
    weighted = clone(net).fit(X, Y, sample_weight=weights * 3)
    assert weighted.initial_epoch_ == 2  # scaled to the same
    # The same numbers, however they are given.
    for same in (X.astype(float), np.asfortranarray(X), X.tolist()):
        assert clone(net).fit(same, Y).initial_epoch_ == 2


def test_another_version_is_another_training(memory, monkeypatch):
    net = clone(NETS["dense"]).set_params(memory=memory, epochs=1).fit(X, Y)
    for module in (keras, _conditions):
        with monkeypatch.context() as patch:
            patch.setattr(module, "__version__", "0.0.0")
            assert clone(net).fit(X, Y).initial_epoch_ == 0
    assert clone(net).fit(X, Y).initial_epoch_ == 1


# -- where sharing would be wrong --------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"random_state": None}, "random_state must be an int"),
        ({"random_state": np.random.RandomState(0)}, "random_state must be an int"),
        (
            {"callbacks": keras.callbacks.LambdaCallback(on_epoch_end=print)},
            "its callback LambdaCallback is or runs code that must see each epoch",
        ),
        ({"activation": lambda x: x}, "code of your own"),
        ({"optimizer": keras.optimizers.Adam(use_ema=True)}, "use_ema"),
    ],
    ids=["no seed", "generator", "callback", "code", "averages"],
)
def test_it_trains_from_scratch_and_says_so_once(parameters, why, memory):
    net = DenseClassifier(epochs=1, memory=memory, random_state=0)
    net.set_params(**parameters)
    with pytest.warns(UserWarning, match=f"DenseClassifier trains without .*{why}"):
        first = net.fit(X, Y)
    assert first.initial_epoch_ == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert net.fit(X, Y).initial_epoch_ == 0


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("BackupAndRestore", {"backup_dir": "its"}),
        ("ModelCheckpoint", {"filepath": "its.keras", "save_freq": 3}),
    ],
)
def test_callbacks_that_write_for_themselves_train_from_scratch(
    name, config, memory, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    net = DenseClassifier(epochs=1, memory=memory, random_state=0)
    net.set_params(callbacks={"class_name": name, "config": config})
    for _ in range(2):
        _stores._said.clear()
        with pytest.warns(UserWarning, match=f"without its memory: .*{name} writes"):
            assert clone(net).fit(X, Y).initial_epoch_ == 0


def test_warm_start_and_partial_fit_go_on_from_themselves(memory):
    net = DenseClassifier(epochs=2, memory=memory, warm_start=True, random_state=0)
    net.fit(X, Y)
    with pytest.warns(UserWarning, match="go on from the estimator itself"):
        net.fit(X, Y)
    assert (net.initial_epoch_, len(net.history_["loss"])) == (2, 4)
    net.partial_fit(X, Y)
    assert (net.initial_epoch_, net.current_epoch) == (4, 5)
    alone = DenseClassifier(epochs=5, random_state=0).fit(X, Y)
    assert_same_fit(net, alone)


def test_a_first_partial_fit_is_found_by_fit(memory):
    net = DenseClassifier(memory=memory, random_state=0)
    net.partial_fit(X, Y, classes=[0, 1, 2])
    assert clone(net).set_params(epochs=2).fit(X, Y).initial_epoch_ == 1


# -- company and manners -----------------------------------------------------------


def test_what_was_found_is_not_the_estimators_to_change(memory):
    net = clone(NETS["dense"]).set_params(memory=memory, epochs=2)
    first = clone(net).fit(X, Y)
    expected = first.predict_proba(X)
    first.model_.set_weights([0 * each for each in first.model_.get_weights()])
    first.history_["loss"].append(0.0)
    second = clone(net).fit(X, Y)
    assert second.initial_epoch_ == 2
    assert len(second.history_["loss"]) == 2
    np.testing.assert_array_equal(second.predict_proba(X), expected)


def test_a_diverged_training_is_told_each_time(memory):
    net = DenseClassifier(
        epochs=2, optimizer="sgd", learning_rate=1e30, memory=memory, random_state=0
    )
    for _ in range(2):
        with pytest.raises(ValueError, match="diverged"):
            clone(net).fit(X, Y)


def test_verbose_tells_what_was_found(memory, capsys):
    net = DenseClassifier(epochs=2, verbose=2, memory=memory, random_state=0)
    clone(net).fit(X, Y)
    capsys.readouterr()
    clone(net).set_params(epochs=3).fit(X, Y)
    out = capsys.readouterr().out
    assert f"Epoch 2/3: found in the memory {memory}" in out
    assert "Epoch 3/3" in out
    assert "Epoch 1/3" not in out


def test_metrics_of_a_value_a_class_come_back(memory):
    net = DenseClassifier(
        epochs=2,
        metrics=[keras.metrics.F1Score(name="f1")],
        loss="categorical_crossentropy",
        memory=memory,
        random_state=0,
    )
    targets = np.eye(3)[Y]
    first = clone(net).fit(X, targets).history_
    again = clone(net).fit(X, targets)
    assert again.initial_epoch_ == 2
    assert again.history_.keys() == first.keys()
    np.testing.assert_array_equal(again.history_["f1"], first["f1"])
    assert np.shape(first["f1"]) == (2, 3)


def test_a_joblib_memory_is_a_folder(tmp_path):
    memory = joblib.Memory(tmp_path, verbose=0)
    net = DenseClassifier(epochs=1, memory=memory, random_state=0)
    clone(net).fit(X, Y)
    assert (tmp_path / "training_states").is_dir()
    assert clone(net).set_params(memory=tmp_path).fit(X, Y).initial_epoch_ == 1
    sknn_mnist.clear_memory(memory)
    assert clone(net).fit(X, Y).initial_epoch_ == 0
    nowhere = clone(net).set_params(memory=joblib.Memory(None))
    assert nowhere.fit(X, Y).initial_epoch_ == 0


@pytest.mark.parametrize("value", [1, True, "", b"x", {}, ["a"]], ids=repr)
def test_other_memories_are_refused_before_training(value):
    with pytest.raises(ValueError, match=r"The 'memory' parameter of DenseClassifier"):
        DenseClassifier(memory=value).fit(X, Y)


def test_a_file_is_no_memory(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ValueError, match="must be None, a folder, ':memory:' or a"):
        DenseClassifier(memory=file).fit(X, Y)
    with pytest.raises(ValueError, match="'memory' parameter of clear_memory"):
        sknn_mnist.clear_memory(file)


@pytest.mark.parametrize("limit", ["x", "", "-1G", "0K", "infG"])
def test_a_limit_that_is_no_size_is_refused(limit, tmp_path, monkeypatch):
    monkeypatch.setenv("SKNN_MNIST_MEMORY_LIMIT", limit)
    with pytest.raises(ValueError, match="SKNN_MNIST_MEMORY_LIMIT must be a size"):
        DenseClassifier(memory=tmp_path).fit(X, Y)
