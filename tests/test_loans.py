"""What a search lends to the nets that it fits."""

import copy
import pickle
import threading

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknn_mnist import DenseClassifier
from sknn_mnist._loans import Loan, OutOfTime, lend, take_back


@pytest.fixture
def loan(tmp_path):
    return Loan(str(tmp_path), seed=3)


def make_net(**options):
    return DenseClassifier(hidden_size=4, verbose=0, **options)


@pytest.mark.parametrize(
    "again",
    [clone, copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))],
)
def test_copies_of_a_net_borrow_as_well(loan, digits, again):
    X, _, y, _ = digits
    net = make_net(epochs=2)
    assert lend(net, loan)
    net.fit(X[:50], y[:50])
    twin = again(net).fit(X[:50], y[:50])
    assert twin.initial_epoch_ == 2  # found in what was lent
    np.testing.assert_array_equal(net.predict_proba(X), twin.predict_proba(X))
    assert twin.get_params() == make_net(epochs=2).get_params()


def test_nets_within_others_borrow(loan):
    pipe = make_pipeline(MinMaxScaler(), make_net())
    assert lend(pipe, loan)
    assert clone(pipe)[-1]._loan is loan
    take_back(pipe)
    assert "_loan" not in vars(pipe[-1])
    assert not lend(MinMaxScaler(), loan)


def test_what_a_net_has_itself_counts(loan, tmp_path, digits):
    X, _, y, _ = digits
    own = tmp_path / "own"
    net = make_net(memory=own, random_state=0)
    lend(net, loan)
    net.fit(X[:50], y[:50])
    assert [each.name for each in tmp_path.iterdir()] == ["own"]
    np.testing.assert_array_equal(
        net.predict_proba(X),
        make_net(random_state=0).fit(X[:50], y[:50]).predict_proba(X),
    )


def test_time_ends_fits_and_changes_nothing(digits):
    X, _, y, _ = digits
    net = make_net(epochs=1).fit(X[:50], y[:50])
    before = dict(vars(net))
    lend(net, Loan(ends_at=0.0))  # long ago
    with pytest.raises(OutOfTime):
        net.fit(X[:50], y[:50])
    take_back(net)
    assert vars(net).keys() == before.keys()
    assert net.history_ is before["history_"]


def test_what_has_ended_is_lent_to_nobody(loan):
    net = make_net()
    lend(net, loan)
    twin = copy.deepcopy(net)
    loan.end()
    for each in (net, twin):
        assert each._loan.memory is None
        assert each._loan.seed is None
        assert "_loan" not in vars(clone(each)) | each.__getstate__()


def test_a_folder_that_is_not_there_is_no_memory(tmp_path):
    # On other machines than the search's, where time and seed count all the same.
    loan = Loan(str(tmp_path / "elsewhere"), 1, 0.0, host="another")
    assert loan.memory is None
    assert loan.seed == 1
    assert loan.is_over


def test_a_net_that_was_pickled_while_it_was_searched_is_free_later(tmp_path, digits):
    X, _, y, _ = digits
    folder = tmp_path / "lent"
    folder.mkdir()
    net = make_net()
    lend(net, Loan(str(folder), seed=3, ends_at=0.0))
    kept = pickle.dumps(net)
    folder.rmdir()  # the search has ended
    later = pickle.loads(kept)
    later.fit(X[:50], y[:50])
    assert not folder.exists()
    assert "_loan" not in vars(clone(later)) | later.__getstate__()


def test_the_end_waits_for_fits_and_these_end(loan, digits):
    X, _, y, _ = digits
    at_work, outcome = threading.Event(), []

    class Slow(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            at_work.set()
            threading.Event().wait(0.3)

    net = make_net(epochs=10_000, callbacks=[Slow()])
    lend(net, loan)

    def fit():
        try:
            net.fit(X[:50], y[:50])
        except OutOfTime as err:
            outcome.append(str(err))

    thread = threading.Thread(target=fit)
    thread.start()
    at_work.wait()
    loan.end()
    assert "_is_timed" not in vars(net)  # whose fit is over by now
    thread.join(timeout=60)
    assert outcome == ["the time of the search that this fit is part of is over"]
    net.set_params(epochs=1, callbacks=None).fit(X[:50], y[:50])
