"""Searches on a real Dask cluster of worker processes, one of which is killed."""

import os
import signal
import threading
import time
from itertools import chain
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.cli import main
from sknn_mnist.cli._dask import rerunning_after_losses
from sknn_mnist.cli._errors import CommandError

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow

GRID = {"epochs": [2, 5], "hidden_size": [8, 16, 32]}
SMALL = ["--dataset", "digits", "--train-size", "300", "--cv", "2"]


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs="ERROR",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def scores_of(search):
    return search.cv_results_["mean_test_score"]


def threads_here():
    import tensorflow as tf

    import sknn_mnist.engine._pool  # noqa: F401

    return tf.config.threading.get_intra_op_parallelism_threads()


def test_a_search_as_it_stands(client, digits, tmp_path):
    X, _, y, _ = digits
    net = CNNClassifier(hidden_size=8, memory=tmp_path, random_state=0)
    grid = {"epochs": [1, 2], "filters": [2, 4]}
    alone = GridSearchCV(clone(net).set_params(memory=None), grid, cv=2).fit(X, y)
    search = GridSearchCV(net, grid, cv=2, error_score="raise")
    with joblib.parallel_config(backend="dask"):
        search.fit(X, y)
    np.testing.assert_allclose(scores_of(search), scores_of(alone), atol=2e-3)
    assert list(tmp_path.rglob("*.safetensors"))  # the workers share them
    assert set(client.run(threads_here).values()) == {1}


def test_a_worker_killed_in_the_middle(client, digits, tmp_path):
    X, _, y, _ = digits
    net = DenseClassifier(random_state=0)
    alone = GridSearchCV(net, GRID, cv=3).fit(X, y)
    victim = next(iter(client.run(os.getpid).values()))
    done = tmp_path / "done"
    done.touch()

    def kill():
        while done.stat().st_size < 4:  # in the middle of 18 fits
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    # Copies on all workers: what one alone has would be lost with it.
    folds = list(StratifiedKFold(3).split(X, y))
    client.amm.stop()
    search = GridSearchCV(
        net, GRID, cv=folds, scoring=Telling(done), error_score="raise"
    )
    everywhere = [X, y, *chain.from_iterable(folds)]
    with joblib.parallel_config(backend="dask", scatter=everywhere):
        search.fit(X, y)
    killer.join()
    np.testing.assert_allclose(scores_of(search), scores_of(alone), atol=2e-3)
    assert done.stat().st_size >= 18
    assert victim not in client.run(os.getpid).values()


class Telling:
    """Scores, and leaves a byte a call in a file."""

    def __init__(self, path):
        self.path = path

    def __call__(self, estimator, X, y):
        time.sleep(0.1)  # so that the search has a middle
        with Path(self.path).open("ab") as file:
            file.write(b".")
        return estimator.score(X, y)


def test_on_the_shell(client, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    grid = [*SMALL, "--epochs", "1", "2", "--hidden-size", "4", "8"]
    tables = {}
    for where in (None, "local", client.scheduler.address):
        dask = [] if where is None else ["--dask", where]
        out = tmp_path / str(len(tables))
        assert main(["search", *grid, *dask, "--out", out.name]) == 0
        table = pd.read_csv(out / "cv_results.csv")
        tables[where] = table[["mean_test_score", "mean_train_score"]]
        err = capsys.readouterr().err
        assert ("dask: 2 worker(s) at tcp://" in err) == (where is not None)
        # The relative folder is meant where the command was given.
        assert list(out.rglob("*.safetensors"))
    for table in tables.values():
        np.testing.assert_allclose(table, tables[None], atol=1e-2)


@pytest.mark.parametrize("seed", range(3))
def test_a_worker_killed_under_the_shell(seed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    args = ["search", *SMALL, "--epochs", "5", "30", "--hidden-size", "8", "16", "32"]
    assert main([*args, "--out", "alone"]) == 0
    states = tmp_path / "killed" / "training_states"
    victims = []

    def kill():
        rng = np.random.default_rng(seed)
        while len(list(states.rglob("*.safetensors"))) < rng.integers(1, 60):
            time.sleep(0.01)
        workers = [
            each
            for each in psutil.Process().children(recursive=True)
            if "spawn_main" in " ".join(each.cmdline())
        ]
        victims.append(workers[0].pid)
        workers[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    assert main([*args, "--dask", "local", "--out", "killed"]) == 0
    killer.join()
    assert victims
    tables = [
        pd.read_csv(tmp_path / name / "cv_results.csv") for name in ("alone", "killed")
    ]
    for column in ("mean_test_score", "mean_train_score"):
        np.testing.assert_allclose(tables[1][column], tables[0][column], atol=4e-3)


def test_workers_lost_for_ever_are_said(monkeypatch, capsys):
    calls = []

    def search():
        calls.append(1)
        raise distributed.client.FutureCancelledError("a task", "lost")

    with pytest.raises(CommandError, match="workers were lost 5 times"):
        rerunning_after_losses(search)
    assert len(calls) == 5


def test_no_scheduler_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sknn_mnist.cli._dask.CONNECT_SECONDS", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://here"):
        assert main(["search", *SMALL, "--dask", address]) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith(
            f"sknn-mnist: error: --dask: no scheduler at {address} ("
        )
