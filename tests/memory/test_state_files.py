"""Kept states: what is put in comes out, and nothing else ever does."""

import os
import random
import tempfile
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from sknn_mnist import DenseClassifier
from sknn_mnist.memory import _state_files, _stores
from sknn_mnist.memory._state_files import FolderStore
from sknn_mnist.memory._states import KeptState, Kinds
from sknn_mnist.memory._stores import ProcessStore

KEYS = ["ab" + "0" * 62, "ab" + "1" * 62, "cd" + "2" * 62]


def state(epoch, size=10, value=0.5):
    return KeptState(
        epoch,
        {
            "network": [np.full((size, 2), value, "float32"), np.asarray(3)],
            "optimizer": [np.asarray(np.float32(0.001)), np.zeros((0, 3))],
        },
        {"loss": [0.1 * e for e in range(epoch)], "accuracy": [float("nan")] * epoch},
    )


def kinds_of(kept):
    return Kinds(
        {
            part: [(each.shape, str(each.dtype)) for each in values]
            for part, values in kept.state.items()
        },
        [],
    )


def longest(states, key, epochs, like=None):
    return states.longest(key, epochs, lambda: kinds_of(like or state(1)))


def assert_same(one, other):
    assert one.epoch == other.epoch
    assert list(one.state) == list(other.state)
    assert list(one.history) == list(other.history)
    for part in one.state:
        for a, b in zip(one.state[part], other.state[part], strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_array_equal(a, b)
    for name, values in one.history.items():
        np.testing.assert_array_equal(values, other.history[name])


@pytest.fixture(params=[FolderStore, ProcessStore])
def states(request, tmp_path):
    if request.param is ProcessStore:
        return ProcessStore()
    return FolderStore(tmp_path / "new" / "folder", 2**30)


@pytest.fixture
def folder(tmp_path):
    return FolderStore(tmp_path, 2**30)


def only_file(folder):
    (file,) = folder.files()
    return file.path


def test_the_longest_that_is_not_too_long_comes_out(states):
    for epoch in (3, 1, 7):
        states.put(KEYS[0], state(epoch, value=epoch))
    states.put(KEYS[1], state(5))
    for epochs, expected in ((1, 1), (2, 1), (3, 3), (6, 3), (7, 7), (99, 7)):
        assert_same(longest(states, KEYS[0], epochs), state(expected, value=expected))
    assert longest(states, KEYS[1], 4) is None
    assert longest(states, KEYS[2], 9) is None


arrays = npst.arrays(
    st.sampled_from(["float32", "float64", "int32", "int64", "uint32", "bool"]),
    npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
numbers = st.floats(width=64)


@given(
    st.dictionaries(st.text(min_size=1), st.lists(numbers, min_size=2, max_size=2)),
    st.lists(arrays, max_size=5),
    st.lists(arrays, max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_any_state_and_history_come_out_as_they_were(
    tmp_path_factory, history, network, optimizer
):
    folder = FolderStore(tmp_path_factory.mktemp("states"), 2**30)
    history["loss"] = [0.1, float("nan")]
    # Weights that are not finite are no training's, and skipped.
    network = [np.nan_to_num(each, posinf=1, neginf=-1) for each in network]
    kept = KeptState(2, {"network": network, "optimizer": optimizer}, history)
    folder.put(KEYS[0], kept)
    assert_same(longest(folder, KEYS[0], 2, kept), kept)


def test_files_hold_arrays_alone_and_open_without_us(folder):
    from safetensors.numpy import load_file

    folder.put(KEYS[0], state(2))
    path = only_file(folder)
    assert path.suffix == ".safetensors"
    np.testing.assert_array_equal(
        load_file(path)["network/0"], state(2).state["network"][0]
    )


# -- nothing wrong comes out -------------------------------------------------------


def torn(data, rng):
    return data[: rng.randrange(len(data))]


def flipped(data, rng):
    place = rng.randrange(len(data))
    return (
        data[:place]
        + bytes([data[place] ^ (1 << rng.randrange(8))])
        + data[place + 1 :]
    )


def longer(data, rng):
    return data + bytes([rng.randrange(256)])


def foreign(data, rng):
    return rng.randbytes(rng.randrange(2000))


@pytest.mark.parametrize("harm", [torn, flipped, longer, foreign])
@pytest.mark.parametrize("seed", range(10))
def test_a_harmed_file_is_told_and_passed_over(harm, seed, folder):
    rng = random.Random(seed)
    for epoch in (1, 2):
        folder.put(KEYS[0], state(epoch, value=epoch))
    last = max(folder.files(), key=lambda each: each.epoch).path
    last.write_bytes(harm(last.read_bytes(), rng))
    with pytest.warns(UserWarning, match="is skipped"):
        found = longest(folder, KEYS[0], 5)
    assert_same(found, state(1, value=1))
    folder.put(KEYS[0], state(2, value=2))  # trained again, it is whole again
    assert_same(longest(folder, KEYS[0], 5), state(2, value=2))
    assert len(folder.files()) == 2


@pytest.mark.parametrize("keep_name", [True, False])
def test_states_that_were_swapped_are_passed_over(keep_name, folder):
    folder.put(KEYS[0], state(2, value=1))
    folder.put(KEYS[1], state(2, value=2))
    one, other = (each.path for each in folder.files())
    a, b = one.read_bytes(), other.read_bytes()
    if keep_name:
        one.write_bytes(b), other.write_bytes(a)
    else:  # each with its own checksum, in the other's place
        one.rename(other.parent / one.name), other.rename(one.parent / other.name)
    with pytest.warns(UserWarning, match="is skipped"):
        assert longest(folder, KEYS[0], 2) is None
    with pytest.warns(UserWarning, match="is skipped"):
        assert longest(folder, KEYS[1], 2) is None


def test_an_epoch_by_another_name_is_passed_over(folder):
    folder.put(KEYS[0], state(2))
    path = only_file(folder)
    path.rename(path.with_name(path.name.replace("000002", "000009")))
    with pytest.warns(UserWarning, match="belongs to another training or epoch"):
        assert longest(folder, KEYS[0], 9) is None


def test_random_harm_to_a_folder_never_changes_a_fit(tmp_path):
    rng = random.Random(0)
    X = np.random.default_rng(0).random((60, 9)).astype("float32")
    y = np.arange(60) % 3
    net = DenseClassifier(4, batch_size=16, memory=tmp_path, random_state=0)
    expected = {
        epochs: DenseClassifier(4, epochs=epochs, batch_size=16, random_state=0)
        .fit(X, y)
        .predict_proba(X)
        for epochs in (1, 2, 3)
    }
    harms = [torn, flipped, longer, foreign]
    harmed = 0
    for _ in range(30):
        epochs = rng.choice([1, 2, 3])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which file is told is tested above
            fitted = net.set_params(epochs=epochs).fit(X, y)
        np.testing.assert_array_equal(fitted.predict_proba(X), expected[epochs])
        files = [each.path for each in FolderStore(tmp_path, 1).files()]
        for path in rng.sample(files, rng.randint(0, len(files))):
            path.write_bytes(rng.choice(harms)(path.read_bytes(), rng))
            harmed += 1
        if rng.random() < 0.3:
            one, other = rng.choice(files), rng.choice(files)
            content = one.read_bytes(), other.read_bytes()
            one.write_bytes(content[1]), other.write_bytes(content[0])
    assert harmed > 10


# -- room --------------------------------------------------------------------------


def size_of(kept, tmp_path):
    folder = FolderStore(tmp_path / "size", 2**30)
    folder.put(KEYS[0], kept)
    return only_file(folder).stat().st_size


def test_the_least_recently_used_go_first(tmp_path):
    size = size_of(state(1, size=1000), tmp_path)
    folder = FolderStore(tmp_path / "full", 4 * size + 1000)
    for number, key in enumerate(KEYS):
        folder.put(key, state(1, size=1000))
        os.utime(folder.files()[-1].path, (number, number))
    large = state(1, size=1000)
    assert longest(folder, KEYS[0], 1, large) is not None  # used just now
    for epoch in (2, 3):
        folder.put(KEYS[2], state(epoch, size=1000))
    assert sum(each.n_bytes for each in folder.files()) <= folder.limit
    assert longest(folder, KEYS[1], 1, large) is None
    assert longest(folder, KEYS[0], 1, large) is not None
    assert longest(folder, KEYS[2], 3, large).epoch == 3
    assert not (folder.folder / KEYS[1][:2] / KEYS[1]).exists()


def test_what_is_there_counts_and_so_does_what_others_write(tmp_path):
    size = size_of(state(1, size=1000), tmp_path)
    limit = 5 * size + 1000
    ours, others = (FolderStore(tmp_path / "full", limit) for _ in range(2))
    for epoch in range(1, 30):
        (ours if epoch % 2 else others).put(KEYS[0], state(epoch, size=1000))
        assert sum(each.n_bytes for each in ours.files()) <= limit
    assert longest(ours, KEYS[0], 99, state(1, size=1000)).epoch == 29


def test_a_state_that_is_too_large_is_not_kept(tmp_path):
    folder = FolderStore(tmp_path, 1000)
    with pytest.warns(UserWarning, match="over its limit, 1,000"):
        folder.put(KEYS[0], state(1, size=1000))
    assert folder.files() == []


def test_drafts_of_killed_processes_go(folder):
    folder.put(KEYS[0], state(1))
    old, new = (only_file(folder).parent / f".draft-{name}" for name in "ab")
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    folder.shrink(2**30)
    assert not old.exists()
    assert new.exists()  # may be in the writing
    assert len(folder.files()) == 1


def test_clearing_leaves_what_is_not_ours(folder, tmp_path):
    folder.put(KEYS[0], state(1))
    other = only_file(folder).with_name("notes.txt")
    other.write_text("mine")
    _stores.clear_memory(tmp_path)
    assert folder.files() == []
    assert other.read_text() == "mine"
    other.unlink()
    folder.put(KEYS[0], state(1))
    _stores.clear_memory(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_states_of_the_process_are_limited_too():
    states = ProcessStore(limit=3 * state(1).n_bytes)
    for epoch in (1, 2, 3):
        states.put(KEYS[0], state(epoch))
    assert longest(states, KEYS[0], 1).epoch == 1  # used just now
    states.put(KEYS[1], state(1))
    assert longest(states, KEYS[0], 2).epoch == 1
    assert longest(states, KEYS[0], 3).epoch == 3
    states.put(KEYS[1], state(1))  # again: counted once
    assert longest(states, KEYS[0], 3).epoch == 3
    assert not states.put(KEYS[2], state(9, size=1000))  # nor pushes out the others
    assert longest(states, KEYS[0], 3).epoch == 3
    states.clear()
    assert longest(states, KEYS[0], 3) is None


# -- bad days ----------------------------------------------------------------------


def no_space(*args, **kwargs):
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_told_once_and_loses_nothing(tmp_path, monkeypatch):
    X = np.random.default_rng(0).random((60, 9)).astype("float32")
    y = np.arange(60) % 3
    net = DenseClassifier(4, epochs=3, memory=tmp_path / "a", random_state=0)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.warns(UserWarning, match="can't write to it .no space left") as told:
        net.fit(X, y)
    assert len(told) == 1
    alone = DenseClassifier(4, epochs=3, random_state=0).fit(X, y)
    np.testing.assert_array_equal(net.predict_proba(X), alone.predict_proba(X))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_is_read_only_is_read(folder, monkeypatch):
    folder.put(KEYS[0], state(1))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    # Simulated: where tests run as root, any folder can be written to.
    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert longest(folder, KEYS[0], 1).epoch == 1
    with pytest.warns(UserWarning, match="can't write to it .permission denied"):
        folder.put(KEYS[0], state(2))


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "training_states").write_text("not a folder")
    folder = FolderStore(tmp_path, 2**30)
    with pytest.warns(UserWarning, match="can't read"):
        assert longest(folder, KEYS[0], 1) is None
    with pytest.warns(UserWarning, match="can't write to it"):
        folder.put(KEYS[0], state(1))


def test_a_file_that_goes_while_it_is_looked_for(folder, monkeypatch):
    folder.put(KEYS[0], state(1))
    folder.put(KEYS[0], state(2))

    def gone(path, most):
        if path.name.startswith("000002"):
            raise FileNotFoundError(2, "No such file or directory")
        return original(path, most)

    original = _state_files.read_regular
    monkeypatch.setattr(_state_files, "read_regular", gone)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert longest(folder, KEYS[0], 2).epoch == 1


def test_using_a_state_shows_in_its_time(folder):
    folder.put(KEYS[0], state(1))
    os.utime(only_file(folder), (0, 0))
    longest(folder, KEYS[0], 1)
    assert time.time() - folder.files()[0].used < 3600
