"""A folder of states keeps its limit, whoever writes, whatever vanishes."""

import contextlib
import hashlib
import os
import shutil
import threading
import time
import warnings

import numpy as np
import pytest

from sknn_mnist import DenseClassifier
from sknn_mnist.memory import _disk_space, _stores
from sknn_mnist.memory._state_files import FolderStore
from sknn_mnist.memory._states import KeptState, Kinds

SIZE = 2000
KINDS = Kinds({"network": [((SIZE,), "float32")], "optimizer": []}, [])


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def key(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def state(epoch=1):
    values = np.full(SIZE, epoch, "float32")
    return KeptState(
        epoch, {"network": [values], "optimizer": []}, {"loss": [0.5] * epoch}
    )


def there(folder, number, epoch=1):
    kept = folder.longest(key(number), epoch, lambda: KINDS)
    return kept is not None and kept.epoch == epoch


def size_of_one(tmp_path):
    folder = FolderStore(tmp_path / "size", 2**30)
    folder.put(key(0), state())
    return folder.files()[0].n_bytes


def total(folder):
    return sum(each.n_bytes for each in folder.files())


def many(folder, number, date=1.6e9, size=100):
    """Make files of states of as many trainings, by hand; return their bytes."""
    for each in range(number):
        place = folder.folder / key(f"many {each}")[:2] / key(f"many {each}")
        place.mkdir(parents=True)
        path = place / f"000001.{'0' * 64}.safetensors"
        path.write_bytes(bytes(size))
        os.utime(path, (date + each, date + each))
    return number * size


def test_what_was_just_written_stays(tmp_path):
    one = size_of_one(tmp_path)
    folder = FolderStore(tmp_path / "full", 2 * one)
    ahead = time.time() + 30  # by another host's clock, so that ours is the oldest
    for number in range(2):
        folder.put(key(number), state())
    for file in folder.files():
        os.utime(file.path, (ahead, ahead))
    assert folder.put(key(2), state())
    assert there(folder, 2)
    assert total(folder) <= 2 * one


# -- while others write and remove -------------------------------------------------


def test_many_write_at_once_into_a_folder_that_is_full(tmp_path):
    one = size_of_one(tmp_path)
    limit = 7 * one
    errors = []

    def work(writer):
        try:
            folder = FolderStore(tmp_path / "full", limit)
            for number in range(40):
                assert folder.put(key(f"{writer} {number}"), state())
                folder.longest(key(f"{number} {writer}"), 9, lambda: KINDS)
                if number % 10 == writer:
                    folder.files()
                if number % 20 == writer:
                    folder.shrink(limit // 2)
        except BaseException as err:
            errors.append(err)

    threads = [threading.Thread(target=work, args=(each,)) for each in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    folder = FolderStore(tmp_path / "full", limit)
    assert total(folder) <= limit + 6 * one  # one of each writer
    folder.put(key("last"), state())
    assert total(folder) <= limit


def test_fits_of_threads_in_a_folder_that_is_full(tmp_path, monkeypatch):
    monkeypatch.setenv("SKNN_MNIST_MEMORY_LIMIT", "30K")
    X = np.random.default_rng(0).random((40, 4)).astype("float32")
    net = DenseClassifier(4, epochs=2, memory=tmp_path, random_state=0)
    errors = []

    def work(writer):
        try:
            for number in range(8):
                seed = 10 * writer + number
                DenseClassifier(**{**net.get_params(), "random_state": seed}).fit(
                    X, np.arange(40) % 2
                )
        except BaseException as err:
            errors.append(err)

    threads = [threading.Thread(target=work, args=(each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("name", ["scandir", "listdir", "stat", "utime", "unlink"])
@pytest.mark.parametrize("depth", range(4))
def test_anything_may_vanish_before_it_is_looked_at(name, depth, tmp_path, monkeypatch):
    one = size_of_one(tmp_path)
    folder = FolderStore(tmp_path / "full", 3 * one)
    for number in range(3):
        folder.put(key(number), state())
    original = getattr(os, name)
    removing = []

    def vanish(path=".", *args, **kwargs):
        if not removing and "training_states" in str(path):
            below = str(path).partition("training_states")[2]
            if below.count(os.sep) == depth:
                removing.append(path)
                shutil.rmtree(path, ignore_errors=True)
                with contextlib.suppress(OSError):
                    os.remove(path)
                removing.clear()
        return original(path, *args, **kwargs)

    monkeypatch.setattr(os, name, vanish)
    folder.files()
    for number in range(3):
        folder.longest(key(number), 1, lambda: KINDS)
    folder.put(key("new"), state())
    folder.put(key("newer"), state())
    folder.shrink(one)
    folder.shrink(0)


@pytest.mark.parametrize("depth", [1, 2])
def test_a_folder_that_vanishes_while_a_state_is_written_is_made_again(
    depth, tmp_path, monkeypatch
):
    folder = FolderStore(tmp_path, 2**30)
    original = os.fsync
    left = [3]

    def vanish(descriptor):
        original(descriptor)
        if left[0]:
            left[0] -= 1
            shutil.rmtree(folder.folder if depth == 1 else folder.folder / key(0)[:2])

    monkeypatch.setattr(os, "fsync", vanish)
    assert folder.put(key(0), state())
    assert there(folder, 0)


# -- clocks ------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [120, 86_400, 10 * 365 * 86_400])
@pytest.mark.parametrize("touchable", [True, False])
def test_states_dated_in_the_future_do_not_push_out_new_ones(
    ahead, touchable, tmp_path, monkeypatch
):
    one = size_of_one(tmp_path)
    folder = FolderStore(tmp_path / "full", 5 * one)
    for number in range(5):
        folder.put(key(f"future {number}"), state())
    date = time.time() + ahead
    for each in folder.files():
        os.utime(each.path, (date, date))
    if not touchable:

        def refuse(*args, **kwargs):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "utime", refuse)
    for number in range(4):
        folder.put(key(number), state())
        # All that is new is still there.
        assert all(there(folder, each) for each in range(number + 1))
    assert total(folder) <= folder.limit


def test_a_fit_goes_on_in_a_folder_full_of_the_future(tmp_path, monkeypatch):
    monkeypatch.setenv("SKNN_MNIST_MEMORY_LIMIT", "20K")
    X = np.random.default_rng(0).random((40, 4)).astype("float32")

    def fit(seed, epochs):
        net = DenseClassifier(4, epochs=epochs, memory=tmp_path, random_state=seed)
        return net.fit(X, np.arange(40) % 2)

    for seed in range(20):
        fit(seed, 1)
    date = time.time() + 1e6
    for each in FolderStore(tmp_path, 1).files():
        os.utime(each.path, (date, date))
    assert fit(100, 2).initial_epoch_ == 0
    assert fit(100, 3).initial_epoch_ == 2


# -- without a look at everything --------------------------------------------------


@pytest.fixture
def seen(monkeypatch):
    """Names of files and folders that are looked at."""
    names = []
    original = _disk_space._entries

    def entries(folder):
        for entry in original(folder):
            names.append(entry.name)
            yield entry

    monkeypatch.setattr(_disk_space, "_entries", entries)
    return names


@pytest.mark.parametrize("full", [False, True])
def test_a_put_looks_at_a_small_part_of_a_large_folder(full, tmp_path, seen):
    folder = FolderStore(tmp_path, 2**40)
    n_bytes = many(folder, 3000)
    if full:
        folder = FolderStore(tmp_path, n_bytes // 2)
    for number in range(3):
        seen.clear()
        folder.put(key(number), state())
        # The 256 shards' names besides.
        scans = _disk_space.SCANS_PER_PUT if full else 1
        most = 256 + 2 * _disk_space.NAMES_PER_SCAN * scans
        assert len(seen) <= most
        assert there(folder, number)


@pytest.mark.parametrize("known", [False, True])
def test_a_large_folder_comes_to_its_limit_and_stays_there(known, tmp_path):
    n_bytes = many(FolderStore(tmp_path, 2**40), 1500, size=8000)
    limit = n_bytes // 2
    folder = FolderStore(tmp_path, limit)
    if known:
        for number in range(100):  # short processes, each of which puts one
            FolderStore(tmp_path, 2**40).put(key(f"before {number}"), state())
    for number in range(150):
        FolderStore(tmp_path, limit).put(key(number), state())
    assert total(folder) <= 1.02 * limit
    # What is old went, and what is new did not.
    assert all(there(folder, number) for number in range(150))
    old = [each.used - 1.6e9 for each in folder.files() if each.used < 1.7e9]
    assert np.mean(old) > 900  # of 0 to 1500, half of which had to go


@pytest.mark.parametrize("harm", ["gone", "torn", "foreign", "pipe", "folder"])
def test_sizes_that_are_wrong_or_lost_are_put_right(harm, tmp_path):
    one = size_of_one(tmp_path)
    folder = FolderStore(tmp_path / "full", 4 * one)
    for number in range(4):
        folder.put(key(number), state())
    sizes = folder.folder / "sizes"
    assert sizes.stat().st_size == 4096
    if harm == "torn":
        sizes.write_bytes(sizes.read_bytes()[:777])
    elif harm == "foreign":
        sizes.write_bytes(os.urandom(4096))
    else:
        sizes.unlink()
        if harm == "pipe":
            os.mkfifo(sizes)
        if harm == "folder":
            sizes.mkdir()
    for number in range(4, 12):
        folder.put(key(number), state())
        assert total(folder) <= folder.limit
        assert there(folder, number)
    if harm not in ("pipe", "folder"):
        assert sizes.stat().st_size == 4096


def test_what_a_crash_left_uncounted_is_counted_again(tmp_path):
    folder = FolderStore(tmp_path, 2**40)
    many(folder, 600)
    for number in range(80):
        folder.put(key(number), state())
    # Written, and killed before it was counted.
    place = folder.folder / "ab" / ("ab" + "0" * 62)
    place.mkdir(parents=True)
    (place / f"000001.{'1' * 64}.safetensors").write_bytes(bytes(10**6))

    def counted():
        return sum(size for size, _ in folder._space._sizes(time.time()))

    assert counted() < 10**6
    for number in range(80):
        folder.put(key(f"more {number}"), state())
    assert counted() == total(folder)


def test_how_much_is_kept(tmp_path):
    _stores.clear_memory(":memory:")
    folder = FolderStore(tmp_path, 2**30)
    assert _stores.amount_kept(tmp_path) == (0, 0, 0)
    for epoch in (1, 2):
        folder.put(key(0), state(epoch))
    folder.put(key(1), state())
    assert _stores.amount_kept(tmp_path) == (3, 2, total(folder))
    assert _stores.amount_kept(":memory:") == (0, 0, 0)
    _stores._process_store.put(key(0), state(2))
    assert _stores.amount_kept(":memory:") == (1, 1, 4 * SIZE)
    assert _stores.amount_kept(None) == (0, 0, 0)
    _stores.clear_memory(":memory:")
