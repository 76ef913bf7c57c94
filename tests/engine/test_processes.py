"""Many processes and threads: their share of the cores, forks, the same scores."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import joblib
import numpy as np
import pytest
import tensorflow as tf
from sklearn.model_selection import GridSearchCV

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.engine import _pool

NETS = {
    "dense": (
        DenseClassifier(dropout=0.2, random_state=0),
        {"epochs": [1, 3], "hidden_size": [8, 16]},
    ),
    "cnn": (
        CNNClassifier(hidden_size=8, batch_norm=True, random_state=0),
        {"epochs": [1, 2], "filters": [2, 4]},
    ),
}


def threads_here():
    return (
        os.getpid(),
        tf.config.threading.get_intra_op_parallelism_threads(),
        os.environ.get("OMP_NUM_THREADS"),
    )


def pool_here(_net):
    """Take a net along, so that the worker has imported the package."""
    return os.getpid(), len(_pool._idle)


@pytest.mark.parametrize("name", NETS)
def test_scores_are_the_same_however_fits_are_spread(name, digits):
    X, _, y, _ = digits
    net, grid = NETS[name]
    scores = []
    for backend, n_jobs in (("loky", 1), ("loky", 2), ("threading", 2)):
        search = GridSearchCV(net, grid, cv=3, error_score="raise")
        with joblib.parallel_config(backend, n_jobs=n_jobs):
            search.fit(X, y)
        scores.append(search.cv_results_["mean_test_score"])
    # Workers run TensorFlow on fewer threads, which may round otherwise: a row of the
    # 419 in a fold, at most.
    np.testing.assert_allclose(scores[1], scores[0], atol=1 / 419 / 3 + 1e-9)
    np.testing.assert_array_equal(scores[2], scores[0])


def test_workers_take_their_share_of_the_cores(digits):
    X, _, y, _ = digits
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        GridSearchCV(NETS["dense"][0], {"epochs": [1]}, cv=2).fit(X, y)
        found = joblib.Parallel()(joblib.delayed(threads_here)() for _ in range(4))
    for pid, threads, told in found:
        assert pid != os.getpid()
        assert (threads, told) == (1, "1")
    # Nobody's worker keeps what TensorFlow has chosen.
    assert tf.config.threading.get_intra_op_parallelism_threads() == 0


def test_workers_stay_and_keep_their_networks(digits):
    X, _, y, _ = digits
    net, grid = NETS["dense"]
    with joblib.parallel_config("loky", n_jobs=2):
        search = GridSearchCV(net, grid, cv=3)
        search.fit(X, y)
        first = joblib.Parallel()(joblib.delayed(pool_here)(net) for _ in range(6))
        search.fit(X, y)
        second = joblib.Parallel()(joblib.delayed(pool_here)(net) for _ in range(6))
    assert len({pid for pid, _ in first + second}) <= 2
    assert all(n_networks >= 1 for _, n_networks in first + second)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc")
def test_data_is_mapped_into_workers_and_not_sent(digits):
    rows = np.zeros((3000, 100), dtype=np.float32)  # above joblib's threshold of 1 MB
    y = np.arange(3000) % 2
    seen = GridSearchCV(
        DenseClassifier(epochs=1, hidden_size=2),
        {"epochs": [1]},
        cv=2,
        scoring=mapped,
        n_jobs=2,
        refit=False,
    ).fit(rows, y)
    np.testing.assert_array_equal(seen.cv_results_["mean_test_score"], 1.0)


def mapped(estimator, X, y):
    return float("joblib_memmapping_folder" in Path("/proc/self/maps").read_text())


def run(code, *args, **env):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **env},
    )


WORKER = """
    import multiprocessing, sys, warnings

    def work(first):
        import tensorflow as tf
        if first == "tensorflow":
            tf.zeros(1) + 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import sknn_mnist.engine._pool
        print(tf.config.threading.get_intra_op_parallelism_threads())
        print([str(each.message) for each in caught if each.category is UserWarning])

    if __name__ == "__main__":
        process = multiprocessing.get_context("fork").Process(
            target=work, args=sys.argv[1:]
        )
        process.start()
        process.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("first", "env", "threads", "warned"),
    [
        ("sknn_mnist", {"OMP_NUM_THREADS": "3"}, "3", False),
        ("tensorflow", {"OMP_NUM_THREADS": "3"}, "0", True),
        (
            "sknn_mnist",
            {"OMP_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "2"},
            "0",
            False,
        ),
        ("sknn_mnist", {"OMP_NUM_THREADS": "many"}, "0", False),
    ],
)
def test_threads_of_a_worker(first, env, threads, warned):
    done = run(WORKER, first, **env)
    found, messages = done.stdout.splitlines()
    assert found == threads, done.stderr
    assert ("TensorFlow runs on more already" in messages) == warned


FORK = """
    import os, signal, sys
    import numpy as np
    from sknn_mnist import DenseClassifier

    X, y = np.zeros((30, 4), dtype="float32"), np.arange(30) % 2
    net = DenseClassifier(epochs=1)
    if sys.argv[1] == "started":
        net.fit(X, y)
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)  # if it hangs
        for work in (lambda: net.fit(X, y), lambda: net.predict(X), lambda: net.model_):
            try:
                work()
                print("worked", flush=True)
            except Exception as err:
                print(f"{type(err).__name__}: {err}", flush=True)
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
    net.fit(X, y)
    print("parent goes on")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_after_tensorflow_started_is_refused_at_once():
    done = run(FORK, "started")
    *lines, status, last = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr
    for line in lines:
        assert line.startswith("RuntimeError: This process was forked after TensorFlow")
    assert (status, last) == ("0", "parent goes on")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_before_tensorflow_started_works():
    done = run(FORK, "not yet")
    assert done.stdout.splitlines() == ["worked"] * 3 + ["0", "parent goes on"]
