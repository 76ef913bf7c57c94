"""HyperbandSearchCV in worker processes, on Dask, and with a time to end by there."""

import os
import subprocess
import sys

import pytest

# One thread in each process, so that all of them sum alike. What is not said in the
# name of the module runs in the main one alone, as worker processes need it.
SEARCHES = """
import sys

import joblib
import pandas as pd
from distributed import Client, LocalCluster
from sklearn.datasets import load_digits

from sknn_mnist import DenseClassifier
from sknn_mnist.model_selection import HyperbandSearchCV, Range

SPACE = {"learning_rate": Range(1e-3, 1e-1, log=True), "batch_norm": [False, True]}


class Counting:
    def __init__(self, path):
        self.path = path

    def __call__(self, net, X, y):
        with open(self.path, "a") as file:
            file.write(f"{net.n_iter_ - net.initial_epoch_}\\n")
        return net.score(X, y)

    def count(self):
        with open(self.path) as file:
            return sum(map(int, file))


def searched(where, **options):
    X, y = load_digits(return_X_y=True)
    net = DenseClassifier(hidden_size=8, random_state=0)
    options = {"max_epochs": 4, "factor": 2, "cv": 2, "random_state": 0} | options
    search = HyperbandSearchCV(net, SPACE, **options)
    with joblib.parallel_config(where):
        return search.fit(X[:200] / 16, y[:200])


def table(search):
    results = pd.DataFrame(search.cv_results_)
    return results[[name for name in results if not name.endswith("_time")]]


if __name__ == "__main__":
    here = searched("sequential")
    counting = Counting(sys.argv[1])
    workers = searched("loky", n_jobs=2, scoring=counting)
    assert counting.count() == workers.n_epochs_ == here.n_epochs_
    pd.testing.assert_frame_equal(table(workers), table(here))
    timed = searched("loky", n_jobs=2, max_time=8, hyperband_iterations=100)
    assert timed.stopped_by_ == "max_time"
    n_rows = sum(n for bracket in timed.brackets_ for n, _ in bracket)
    assert n_rows == len(timed.cv_results_["params"])
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
    )
    with cluster, Client(cluster):
        pd.testing.assert_frame_equal(table(searched("dask")), table(here))
        timed = searched("dask", max_time=8, hyperband_iterations=100)
        assert timed.stopped_by_ == "max_time"
    print("all the same")
"""


@pytest.mark.slow
def test_a_search_is_the_same_in_workers_and_on_dask(tmp_path):
    script = tmp_path / "searches.py"
    script.write_text(SEARCHES, encoding="utf-8")
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script, tmp_path / "counts"],
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("all the same")
