"""Callbacks: a fit has its own, and what they report arrives where it was meant."""

import copy
import dataclasses
import functools
import pickle
import threading
import types
import warnings
from collections import Counter, deque

import joblib
import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn_mnist import DenseClassifier
from sknn_mnist.estimators._callbacks import (
    copy_of_callbacks,
    make_callbacks,
    things_held,
)
from sknn_mnist.memory import _stores


@pytest.fixture(scope="module")
def data(digits):
    X, _, y, _ = digits
    return X[:200], y[:200]


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    monkeypatch.setattr(_stores, "_said", set())


class Study:
    """What trackers and searches are made of: a lock, and what was reported."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reports = []

    def report(self, value):
        with self.lock:
            self.reports.append(value)


class SentStudy(Study):
    """One that pickles, without its lock, as Optuna's in memory does."""

    def __getstate__(self):
        return {"reports": self.reports}

    def __setstate__(self, state):
        self.__init__()
        self.reports = state["reports"]


class Pruned(BaseException):
    """What a search ends a trial with; no Exception, so that nobody catches it."""


class Reports(keras.callbacks.Callback):
    def __init__(self, study, prune_at=None):
        super().__init__()
        self.study = study
        self.prune_at = prune_at
        self.seen = []
        self.best = {"loss": [np.inf]}

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(epoch)
        self.best["loss"].append(logs["loss"])
        self.study.report((epoch, logs["loss"]))
        if epoch == self.prune_at:
            raise Pruned(f"at {epoch}")


def dense(**options):
    options = {"epochs": 2, **options}
    return DenseClassifier(hidden_size=8, batch_size=64, random_state=0, **options)


class Composite(keras.callbacks.Callback):
    """Holds others, as Keras's own list of callbacks does."""

    def __init__(self, *inner):
        super().__init__()
        self.inner = {"callbacks": list(inner)}

    def set_model(self, model):
        super().set_model(model)
        for each in self.inner["callbacks"]:
            each.set_model(model)

    def on_epoch_end(self, epoch, logs=None):
        for each in self.inner["callbacks"]:
            each.on_epoch_end(epoch, logs)


def bagging(net, X, y):
    return BaggingClassifier(net, n_estimators=1, random_state=0).fit(X, y)


# How a callback comes to a fit of two epochs: name: (what is done, how many fits).
WAYS = {
    "object": (lambda each, X, y: dense(callbacks=each).fit(X, y), 1),
    "list": (lambda each, X, y: dense(callbacks=[each]).fit(X, y), 1),
    "tuple": (
        lambda each, X, y: dense(callbacks=("TerminateOnNaN", each)).fit(X, y),
        1,
    ),
    "set_params": (lambda each, X, y: dense().set_params(callbacks=each).fit(X, y), 1),
    "callback list": (
        lambda each, X, y: dense(callbacks=keras.callbacks.CallbackList([each])).fit(
            X, y
        ),
        1,
    ),
    "callback list in a list": (
        lambda each, X, y: dense(callbacks=[keras.callbacks.CallbackList([each])]).fit(
            X, y
        ),
        1,
    ),
    "composite": (lambda each, X, y: dense(callbacks=Composite(each)).fit(X, y), 1),
    "clone": (lambda each, X, y: clone(clone(dense(callbacks=[each]))).fit(X, y), 1),
    "deepcopy": (
        lambda each, X, y: copy.deepcopy(dense(callbacks=[each])).fit(X, y),
        1,
    ),
    "copy": (lambda each, X, y: copy.copy(dense(callbacks=[each])).fit(X, y), 1),
    "cross_val_score": (
        lambda each, X, y: cross_val_score(dense(callbacks=[each]), X, y, cv=2),
        2,
    ),
    "search": (
        lambda each, X, y: GridSearchCV(
            dense(callbacks=[each]), {"hidden_size": [4, 8]}, cv=2
        ).fit(X, y),
        5,
    ),
    "threads": (
        lambda each, X, y: cross_val_score(
            dense(callbacks=[each]), X, y, cv=2, n_jobs=2
        ),
        2,
    ),
    "pipeline": (
        lambda each, X, y: clone(
            make_pipeline(MinMaxScaler(), dense(callbacks=each))
        ).fit(X, y),
        1,
    ),
    "parameter of a pipeline": (
        lambda each, X, y: (
            make_pipeline(MinMaxScaler(), dense())
            .set_params(denseclassifier__callbacks=each)
            .fit(X, y)
        ),
        1,
    ),
    "ensemble": (lambda each, X, y: bagging(dense(callbacks=[each]), X, y), 1),
    "again": (lambda each, X, y: dense(callbacks=[each]).fit(X, y).fit(X, y), 2),
    "warm start": (
        lambda each, X, y: dense(callbacks=[each], warm_start=True).fit(X, y).fit(X, y),
        2,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_callbacks_report_arrives(data, way):
    callback = Reports(Study())
    run, n_fits = WAYS[way]
    with joblib.parallel_config("threading"):
        run(callback, *data)
    assert len(callback.study.reports) == 2 * n_fits
    # The callback itself is as it was.
    assert callback.seen == []
    assert callback.best == {"loss": [np.inf]}
    assert callback.model is None


def test_partial_fit_reports_too(data):
    callback = Reports(Study())
    net = dense(callbacks=callback).fit(*data).partial_fit(*data)
    assert [epoch for epoch, _ in callback.study.reports] == [0, 1, 2]
    assert net.callbacks_[0].seen == [2]


@pytest.mark.parametrize("again", ["fit", "partial_fit"])
def test_two_fits_share_no_plain_state(data, again):
    callback = Reports(Study())
    net = dense(callbacks=[callback], warm_start=True).fit(*data)
    (first,) = net.callbacks_
    seen = list(first.seen)
    getattr(net, again)(*data)
    (second,) = net.callbacks_
    assert first is not second
    assert first is not callback
    assert first.seen == seen
    assert first.best["loss"] is not second.best["loss"]
    assert first.study is second.study is callback.study
    assert clone(net).callbacks[0].seen is not callback.seen


class Slotted(keras.callbacks.Callback):
    __slots__ = ("__hidden", "values")

    def __init__(self, study):
        super().__init__()
        self.values = [study, 1]
        self.__hidden = {"of": self.values}

    @property
    def hidden(self):
        return self.__hidden


@dataclasses.dataclass
class Counts:
    study: object
    values: list = dataclasses.field(default_factory=list)


class Rich(keras.callbacks.Callback):
    """Holds one of each kind."""

    def __init__(self, study):
        super().__init__()
        self.plain = {
            "list": [1, [2]],
            "dict": {"a": {"b": 1}},
            "set": {1, 2},
            "deque": deque([1]),
            "counter": Counter("aab"),
            "array": np.zeros(2),
            "objects": np.array([[1], None], dtype=object),
            "tuple": ([1],),
            "generator": np.random.default_rng(0),
            "metric": keras.metrics.Mean(),
            "bytes": bytearray(b"1"),
        }
        self.shared = {
            "study": study,
            "lock": threading.Lock(),
            "local": threading.local(),
            "file": open(__file__),  # noqa: SIM115
            "function": lambda: study,
            "module": types,
            "class": Study,
            "network": keras.Sequential([keras.layers.Dense(1)]),
            "weight": keras.Variable(1.0),
            "iterator": iter([1]),
            "partial": functools.partial(study.reports.append, 1),
        }
        self.plain["namespace"] = types.SimpleNamespace(n=0, study=study)
        self.plain["record"] = Counts(study)
        self.method = self.on_epoch_end
        self.part = functools.partial(self.on_epoch_end, 3)
        self.report = study.report
        self.append = study.reports.append
        self.me = [self]

    def __getstate__(self):
        raise AssertionError("a copy for a fit is no pickle")


@pytest.mark.parametrize("copies", ["clone", "fit", "deepcopy"])
def test_what_is_copied_and_what_is_shared(copies):
    callback = Rich(Study())
    net = dense(callbacks=[callback, callback])
    if copies == "fit":
        made = make_callbacks(net.callbacks, "DenseClassifier")
    else:
        made = {"clone": clone, "deepcopy": copy.deepcopy}[copies](net).callbacks
    copied, same = made
    assert copied is same
    assert copied is not callback
    for name, value in callback.plain.items():
        assert copied.plain[name] is not value, name
        assert type(copied.plain[name]) is type(value), name
    assert copied.plain["tuple"][0] is not callback.plain["tuple"][0]
    assert copied.plain["objects"][0] is not callback.plain["objects"][0]
    assert copied.plain["dict"]["a"] is not callback.plain["dict"]["a"]
    for name, value in callback.shared.items():
        assert copied.shared[name] is value, name
    assert copied.shared is not callback.shared
    for name in ("namespace", "record"):
        assert copied.plain[name].study is callback.shared["study"]
    assert copied.me[0] is copied
    assert copied.method.__self__ is copied
    assert copied.part.func.__self__ is copied
    assert copied.report.__self__ is callback.shared["study"]
    assert copied.append.__self__ is callback.shared["study"].reports
    callback.shared["file"].close()


def test_slots_and_nested_callbacks_are_copied():
    study = Study()
    slotted = Slotted(study)
    composite = Composite(slotted, Composite(slotted))
    (copied,) = make_callbacks(composite, "DenseClassifier")
    inner, outer = copied.inner["callbacks"]
    assert inner is not slotted
    assert inner.values is not slotted.values
    assert inner.values[0] is study
    assert inner.hidden["of"] is inner.values
    assert outer.inner["callbacks"][0] is inner


class SaysHow(keras.callbacks.Callback):
    def __init__(self, study=None):
        super().__init__()
        self.study = study
        self.log = []


class Deepcopies(SaysHow):
    def __deepcopy__(self, memo):
        twin = type(self)(Study())
        twin.log = self.log
        return twin


class Copies(SaysHow):
    def __copy__(self):
        twin = type(self)(self.study)
        twin.log = self.log
        return twin


class Clones(Deepcopies):
    """Says it in scikit-learn's way, which comes first."""

    def __sklearn_clone__(self):
        twin = type(self)(self.study)
        twin.log = self.log
        return twin


class Tracker:
    """A helper of the user's own that wants to be copied."""

    def __init__(self):
        self.log = []

    def __deepcopy__(self, memo):
        return Tracker()


def test_a_class_may_say_how_it_is_copied():
    study = Study()
    deep, flat, held = Deepcopies(study), Copies(study), SaysHow(Tracker())
    cloned = Clones(study)
    given = [deep, flat, held, cloned]
    for made in (
        make_callbacks(given, "DenseClassifier"),
        clone(dense(callbacks=given)).callbacks,
        copy.deepcopy(dense(callbacks=given)).callbacks,
        make_callbacks(Composite(*given), "DenseClassifier")[0].inner["callbacks"],
    ):
        assert made[0] is not deep
        assert made[0].log is deep.log
        assert made[0].study is not study
        assert made[1] is not flat
        assert made[1].log is flat.log
        assert made[1].study is study
        assert made[2].study is not held.study
        assert made[2].log is not held.log
        assert made[3] is not cloned
        assert made[3].log is cloned.log
        assert made[3].study is study


def test_keras_own_callbacks_are_copied_whole(data):
    X, y = data
    given = [
        keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", patience=1),
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.01),
        keras.callbacks.CallbackList([keras.callbacks.TerminateOnNaN()], True),
    ]
    before = [dict(vars(each)) for each in given]
    net = dense(callbacks=given, epochs=4, validation_split=0.2).fit(X, y)
    for callback, attributes in zip(given, before, strict=True):
        assert vars(callback) == attributes
    assert net.callbacks_[0].best_weights is not None
    assert [type(each).__name__ for each in net.callbacks_][3:] == [
        "TerminateOnNaN",
        "History",
    ]
    assert net.callbacks_[4].history["loss"] == net.history_["loss"]


@pytest.mark.parametrize("nested", [False, True])
def test_callbacks_let_go_of_the_network(data, nested):
    inner = [Reports(Study()), Deepcopies()]
    net = dense(callbacks=Composite(*inner) if nested else inner).fit(*data)
    for callback in net.callbacks_:
        for each in [callback, *getattr(callback, "inner", {}).get("callbacks", [])]:
            assert each.model is None


def test_a_network_that_a_callback_in_a_list_saw_is_no_later_fits(data):
    kept = []

    class Keeps(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            kept.append(self.model)

    for seed in (0, 1):
        net = dense(callbacks=[keras.callbacks.CallbackList([Keeps()])])
        net.set_params(random_state=seed).fit(*data)
    assert kept[0] is not kept[1]
    assert kept[1] is net.model_


# -- what callbacks raise -----------------------------------------------------------


@pytest.mark.parametrize("again", [None, "fit", "partial_fit"])
def test_what_a_callback_raises_comes_through(data, again):
    callback = Reports(Study(), prune_at=1 if again is None else 2)
    net = dense(callbacks=callback, warm_start=True)
    if again is not None:
        net.fit(*data)
        expected = net.predict_proba(data[0])
    before = dict(vars(net))
    with pytest.raises(Pruned, match=r"^at \d$") as caught:
        getattr(net, again or "fit")(*data)
    assert type(caught.value) is Pruned
    assert caught.value.__cause__ is None
    assert len(callback.study.reports) == callback.prune_at + 1
    assert vars(net) == before
    if again is None:
        assert not net.initialized_
    else:
        np.testing.assert_array_equal(net.predict_proba(data[0]), expected)


@pytest.mark.parametrize("error", [ValueError, TypeError, StopIteration, MemoryError])
def test_errors_of_every_kind_come_through(data, error):
    raised = error("of its own")

    class Raises(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise raised

    with pytest.raises(error) as caught:
        dense(callbacks=Raises()).fit(*data)
    assert caught.value is raised


def test_stop_training_prunes(data):
    class Stops(Reports):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            self.model.stop_training = len(self.study.reports) >= 3

    callback = Stops(Study())
    net = clone(dense(callbacks=callback, epochs=5)).fit(*data)
    assert len(net.history_["loss"]) == 3
    assert len(clone(net).fit(*data).history_["loss"]) == 1


# -- processes and files ------------------------------------------------------------


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def test_copies_of_another_process_are_told_of(data):
    callback = Reports(SentStudy())
    net = through_pickle(dense(callbacks=[callback]))
    said = r"callbacks of DenseClassifier hold copies \(SentStudy\).*n_jobs=1"
    with pytest.warns(UserWarning, match=said):
        net.fit(*data)
    assert callback.study.reports == []
    assert len(net.callbacks[0].study.reports) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.fit(*data)  # said once
    _stores._said.clear()
    for each in (clone(net), copy.deepcopy(net), copy.copy(net), through_pickle(net)):
        with pytest.warns(UserWarning, match=said):
            each.fit(*data)
        _stores._said.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.set_params(callbacks=[callback]).fit(*data)  # made here
    assert len(callback.study.reports) == 2


reports = []


def report_to_global(epoch, logs):
    reports.append(epoch)


@pytest.mark.parametrize(
    ("callback", "things"),
    [
        (keras.callbacks.EarlyStopping("loss"), []),
        (keras.callbacks.ReduceLROnPlateau("loss"), []),
        (keras.callbacks.LearningRateScheduler(lambda epoch: [0.1, 0.2][epoch]), []),
        (keras.callbacks.ModelCheckpoint("net.keras"), []),
        (keras.callbacks.CSVLogger("log.csv"), []),
        (keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None), []),
        (keras.callbacks.LambdaCallback(on_epoch_end=report_to_global), ["list"]),
        (
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs, log={}: reports.append(log)
            ),
            ["list"],
        ),
        (keras.callbacks.LambdaCallback(on_epoch_end=Study().report), ["Study"]),
        (
            keras.callbacks.LambdaCallback(
                on_epoch_end=functools.partial(Reports.on_epoch_end, Study())
            ),
            ["Study"],
        ),
        (Composite(Reports(Study())), ["Study"]),
        (Deepcopies(Study()), ["Study"]),
        ("TerminateOnNaN", []),
        (None, []),
    ],
)
def test_what_callbacks_hold(callback, things):
    assert things_held([callback]) == things
    assert things_held(callback) == things


def test_callbacks_that_hold_nothing_are_not_told_of(data):
    for callbacks in (None, "TerminateOnNaN", [keras.callbacks.EarlyStopping("loss")]):
        net = through_pickle(dense(callbacks=callbacks))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            net.fit(*data)


def test_callbacks_that_can_not_be_sent_are_refused_in_a_sentence(data):
    net = dense(callbacks=[Reports(Study())])
    for each in (net, clone(net).fit(*data)):
        with pytest.raises(TypeError, match="'callbacks' parameter") as caught:
            pickle.dumps(each)
        said = str(caught.value)
        assert "these hold Study (cannot pickle '_thread.lock' object)" in said
        assert "n_jobs=1" in said


def test_callbacks_of_a_fit_that_can_not_be_stored_are_left_out(data):
    net = dense(callbacks=[Reports(Study()), "TerminateOnNaN"]).fit(*data)
    net.set_params(callbacks=None)
    with pytest.warns(UserWarning, match="callbacks_ is stored without its Reports"):
        twin = through_pickle(net)
    assert [type(each).__name__ for each in twin.callbacks_] == ["TerminateOnNaN"]
    np.testing.assert_array_equal(
        twin.predict_proba(data[0]), net.predict_proba(data[0])
    )
    # A copy in this process has all of them.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        twin = copy.deepcopy(net)
    first, second = net.callbacks_[0], twin.callbacks_[0]
    assert first.study is second.study
    assert first.seen == second.seen
    assert first.seen is not second.seen


def test_a_callback_that_holds_the_estimator(data):
    net = dense()
    net.set_params(callbacks=[SaysHow(net)]).fit(*data)
    assert clone(net).callbacks[0].study is net
    twin = copy.deepcopy(net)
    assert twin.callbacks[0].study is twin
    twin = through_pickle(net)
    assert twin.callbacks[0].study is twin


@pytest.mark.slow
def test_worker_processes_tell_or_refuse(data, capfd):
    X, y = data
    net = dense(callbacks=[Reports(Study())])
    with (
        joblib.parallel_config("loky"),
        pytest.raises(pickle.PicklingError) as caught,
    ):
        cross_val_score(net, X, y, cv=2, n_jobs=2)
    assert "'callbacks' parameter of DenseClassifier" in str(caught.value.__cause__)

    # By value, as of a notebook: workers do not know this file.
    class Told(keras.callbacks.Callback):
        def __init__(self, reported):
            super().__init__()
            self.reported = reported

        def on_epoch_end(self, epoch, logs=None):
            self.reported.values.append(epoch)

    class Board:
        def __init__(self):
            self.values = []

    callback = Told(Board())
    with joblib.parallel_config("loky"):
        scores = cross_val_score(dense(callbacks=[callback]), X, y, cv=2, n_jobs=2)
    assert np.isfinite(scores).all()
    assert callback.reported.values == []
    assert "hold copies (Board)" in capfd.readouterr().err


# -- clones -------------------------------------------------------------------------


def test_clones_are_as_scikit_learn_has_them(data):
    callback = Reports(Study())
    net = dense(callbacks=(callback,), metrics=["accuracy"], optimizer={"a": [1]})
    net.set_output(transform="default") if hasattr(net, "set_output") else None
    twin = clone(net)
    assert type(twin) is type(net)
    assert net.get_params()["callbacks"] == (callback,)
    assert type(twin.callbacks) is tuple
    assert twin.get_params().keys() == net.get_params().keys()
    assert twin.metrics == net.metrics
    assert twin.metrics is not net.metrics
    assert twin.optimizer["a"] is not net.optimizer["a"]
    assert vars(clone(dense().fit(*data))).keys() == vars(dense()).keys()


def test_a_constructor_that_copies_is_found_out():
    class Copying(DenseClassifier):
        def __init__(self, callbacks=None):
            super().__init__(callbacks=copy.copy(callbacks))

    with pytest.raises(RuntimeError, match="constructor"):
        clone(Copying(callbacks=[Reports(Study())]))


def test_a_subclass_without_callbacks_is_cloned():
    class Plain(DenseClassifier):
        def __init__(self, epochs=3):
            super().__init__(epochs=epochs)

    assert clone(Plain(4)).epochs == 4


@pytest.mark.parametrize("wrong", [3, object(), ["Nothing"], [None], {"a": 1}])
def test_what_is_no_callback_is_cloned_and_refused_in_fit(data, wrong):
    net = clone(dense(callbacks=wrong))
    with pytest.raises(ValueError, match="'callbacks' parameter"):
        net.fit(*data)


def test_a_callback_that_can_not_be_copied_is_named(data):
    class Stubborn(keras.callbacks.Callback):
        def __deepcopy__(self, memo):
            raise TypeError("not me")

    with pytest.raises(ValueError, match=r"can be copied \(not me\)"):
        dense(callbacks=Stubborn()).fit(*data)


def test_values_that_are_no_callbacks_are_copied_deep():
    config = {"class_name": "EarlyStopping", "config": {"monitor": ["loss"]}}
    copied = copy_of_callbacks(config)
    assert copied == config
    assert copied["config"]["monitor"] is not config["config"]["monitor"]


def test_counters_in_a_namespace_are_a_fits_own(data):
    class Counting(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.seen = types.SimpleNamespace(n=0)

        def on_epoch_end(self, epoch, logs=None):
            self.seen.n += 1

    X, y = data
    given = Counting()
    for _ in range(2):
        net = dense(callbacks=given, epochs=2).fit(X, y)
        assert net.callbacks_[0].seen.n == 2
    assert given.seen.n == 0
