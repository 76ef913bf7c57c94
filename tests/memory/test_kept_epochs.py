"""Few epochs are kept, and all that can be asked for again is near one of them."""

import re
import signal
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
from ends_of_fits import DyingError, Stopper, epochs_kept
from sklearn.base import clone

from sknn_mnist import DenseClassifier
from sknn_mnist.engine import _resuming
from sknn_mnist.memory import _stores
from sknn_mnist.memory._epochs import EpochKeeper
from sknn_mnist.memory._state_files import FolderStore

pytestmark = pytest.mark.usefixtures("nothing_kept")

X = np.random.default_rng(0).random((60, 9)).astype("float32")
Y = np.arange(60) % 3


def net(memory=None, epochs=4, **parameters):
    parameters = {"hidden_size": 4, "batch_size": 32, "random_state": 0, **parameters}
    return DenseClassifier(epochs=epochs, memory=memory, **parameters)


def for_good(*epochs):
    return [(epoch, True) for epoch in epochs]


@pytest.fixture
def die(monkeypatch):
    """Let the next fits die when so many epochs of theirs are done."""
    left = []
    original = EpochKeeper.keep

    def keep(self, kept, end, *best):
        original(self, kept, end, *best)
        if left:
            left[0] -= 1
            if not left[0]:
                left.clear()
                raise DyingError

    monkeypatch.setattr(EpochKeeper, "keep", keep)
    return lambda after: left.append(after)


@pytest.fixture(scope="module")
def forty_epochs():
    return net(None, 40).fit(X, Y).history_


# -- which -------------------------------------------------------------------------


def test_sixty_epochs_leave_seven_states(memory):
    net(memory, 60).fit(X, Y)
    assert epochs_kept(memory) == for_good(1, 2, 4, 8, 16, 32, 60)
    assert _stores.amount_kept(memory)[:2] == (7, 1)


def test_ends_that_were_asked_for_stay(memory):
    for epochs in (3, 11, 7, 6, 11):
        net(memory, epochs).fit(X, Y)
    assert epochs_kept(memory) == for_good(1, 2, 3, 4, 6, 7, 8, 11)
    for epochs in (3, 6, 7, 11):
        assert net(memory, epochs).fit(X, Y).initial_epoch_ == epochs


@pytest.mark.parametrize("asked", range(1, 41))
def test_going_back_costs_less_than_half(asked, memory, forty_epochs):
    net(memory, 40).fit(X, Y)
    fitted = net(memory, asked).fit(X, Y)
    assert asked - fitted.initial_epoch_ < asked / 2
    assert fitted.history_["loss"] == forty_epochs["loss"][:asked]


def test_where_a_watcher_stopped_is_an_end(memory):
    pytest.importorskip("sklearn.callback")
    stopper = Stopper(after=7)
    stopped = net(memory, 20).set_callbacks(stopper).fit(X, Y)
    assert len(stopped.history_["loss"]) == 7
    assert epochs_kept(memory) == for_good(1, 2, 4, 7)


# -- in flight ---------------------------------------------------------------------


@pytest.mark.parametrize("done", range(1, 12))
def test_the_last_epoch_of_a_fit_that_dies_is_there(done, memory, die):
    die(done)
    with pytest.raises(DyingError):
        net(memory, 12).fit(X, Y)
    powers = [each for each in (1, 2, 4, 8) if each <= done]
    passing = [] if done in powers else [(done, False)]
    assert epochs_kept(memory) == [*for_good(*powers), *passing]
    again = net(memory, 12).fit(X, Y)
    assert again.initial_epoch_ == done
    assert again.history_ == net(None, 12).fit(X, Y).history_
    # What it went on from is between others now.
    assert epochs_kept(memory) == for_good(1, 2, 4, 8, 12)


def test_what_is_in_flight_becomes_an_end_when_it_is_asked_for(memory, die):
    die(7)
    with pytest.raises(DyingError):
        net(memory, 12).fit(X, Y)
    assert net(memory, 7).fit(X, Y).initial_epoch_ == 7
    assert epochs_kept(memory) == for_good(1, 2, 4, 7)
    net(memory, 12).fit(X, Y)
    assert epochs_kept(memory) == for_good(1, 2, 4, 7, 8, 12)


def test_an_epoch_that_could_not_be_written_does_not_cost_the_one_before(
    memory, die, monkeypatch
):
    states = _stores.open_memory(memory, "test")
    original = states.put

    def put(key, kept, passing=None, instead_of=()):
        return kept.epoch < 7 and original(key, kept, passing, instead_of)

    monkeypatch.setattr(states, "put", put)
    die(10)
    with pytest.raises(DyingError):
        net(memory, 12).fit(X, Y)
    assert epochs_kept(memory) == [*for_good(1, 2, 4), (6, False)]


@pytest.mark.parametrize("first", [5, 12])
def test_two_fits_at_once_leave_each_other_their_ends(first, memory, monkeypatch):
    """One epoch each in turn; what is an end of one is passed by the other."""
    turns = threading.Barrier(2)
    original = EpochKeeper.keep

    def keep(self, kept, end, *best):
        original(self, kept, end, *best)
        self._written.result()
        if not turns.broken:
            try:
                turns.wait()
            except threading.BrokenBarrierError:
                return
        if end:
            turns.abort()

    monkeypatch.setattr(EpochKeeper, "keep", keep)
    fitted = {}

    def fit(epochs):
        fitted[epochs] = net(memory, epochs).fit(X, Y)

    epochs = [first, 17 - first]
    threads = [threading.Thread(target=fit, args=(each,)) for each in epochs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert epochs_kept(memory) == for_good(1, 2, 4, 5, 8, 12)
    for each in epochs:
        assert fitted[each].history_ == net(None, each).fit(X, Y).history_


def test_one_of_two_fits_dies_and_loses_nothing(memory, die):
    """The other, further on, does not remove what the first goes on from."""
    die(5)
    with pytest.raises(DyingError):
        net(memory, 7).fit(X, Y)
    die(6)  # one that goes on from 5, to 11
    with pytest.raises(DyingError):
        net(memory, 20).fit(X, Y)
    assert net(memory, 7).fit(X, Y).initial_epoch_ == 5


@pytest.mark.slow
def test_a_signal_leaves_the_epochs_done(tmp_path):
    code = """if True:
        import numpy as np
        from sknn_mnist import DenseClassifier
        X = np.random.default_rng(0).random((20_000, 64)).astype("float32")
        net = DenseClassifier(epochs=1000, memory="states", random_state=0, verbose=1)
        print("begun", flush=True)
        net.fit(X, np.arange(20_000) % 3)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = FolderStore(tmp_path / "states", 1)
    while max((each.epoch for each in folder.files()), default=0) < 6:
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    out, err = child.communicate()
    assert err.rstrip().endswith("KeyboardInterrupt")
    told = re.search(r"interrupted. (\d+) of 1000 epochs are kept in the memory", out)
    kept = max(each.epoch for each in folder.files())
    assert int(told[1]) == kept >= 6
    assert len(folder.files()) <= 3 + np.log2(kept)


# -- seen again --------------------------------------------------------------------


class Sees:
    """Keeps what each epoch showed, of the epochs it asks for."""

    max_propagation_depth = None

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if fitted_estimator is not None:
            self.seen.append(
                (fitted_estimator.history_, fitted_estimator.predict_proba(X))
            )


@pytest.mark.parametrize("callbacks", [None, "reduces"])
def test_watchers_see_epochs_that_are_not_kept(callbacks, memory, monkeypatch):
    pytest.importorskip("sklearn.callback")
    if callbacks:
        callbacks = keras.callbacks.ReduceLROnPlateau(
            "loss", patience=1, min_delta=9, factor=0.5
        )
    alone, first, again = Sees(), Sees(), Sees()
    net(None, 11, callbacks=callbacks).set_callbacks(alone).fit(X, Y)
    shared = net(memory, 11, callbacks=callbacks)
    clone(shared).set_callbacks(first).fit(X, Y)
    trained = []
    original = _resuming._Training._train

    def train(self, fused, found, plan, epochs):
        trained.extend(range(0 if found is None else found.epoch, plan.epochs))
        return original(self, fused, found, plan, epochs)

    monkeypatch.setattr(_resuming._Training, "_train", train)
    clone(shared).set_callbacks(again).fit(X, Y)
    assert len(alone.seen) == 11
    for seen in (first.seen, again.seen):
        for (history, proba), (expected, expected_proba) in zip(
            seen, alone.seen, strict=True
        ):
            assert history == expected
            np.testing.assert_array_equal(proba, expected_proba)
    # Each of those that are not kept once: 3, 5 to 7, 9 and 10.
    assert trained == [2, 4, 5, 6, 8, 9]
    # Nor are they kept now, and who does not look costs nothing.
    assert epochs_kept(memory) == for_good(1, 2, 4, 8, 11)
    trained.clear()
    clone(shared).set_callbacks(Stopper(after=99)).fit(X, Y)
    assert trained == []


def test_a_watcher_stops_where_nothing_is_kept(memory):
    pytest.importorskip("sklearn.callback")
    net(memory, 12).fit(X, Y)
    stopped = net(memory, 12).set_callbacks(Stopper(after=7)).fit(X, Y)
    alone = net(None, 7).fit(X, Y)
    assert stopped.history_ == alone.history_
    np.testing.assert_array_equal(stopped.predict_proba(X), alone.predict_proba(X))
    assert net(memory, 7).fit(X, Y).initial_epoch_ == 7  # an end now
