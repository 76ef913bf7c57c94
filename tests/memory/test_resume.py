"""A search that is killed goes on where it was, and ends as if it had not been."""

import json
import random
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from sknn_mnist import CNNClassifier
from sknn_mnist.datasets import load_digits28
from sknn_mnist.memory._state_files import FolderStore

KILLS = 20

GRID = {"epochs": [2, 6, 4], "batch_norm": [False, True]}


def search(memory):
    X, _, y, _ = load_digits28(layout="image", return_X_y=True)
    net = CNNClassifier(
        filters=(4, 4), hidden_size=8, dropout=0.2, memory=memory, random_state=0
    )
    found = GridSearchCV(net, GRID, cv=2, refit=False, return_train_score=True)
    return found.fit(X[:800], y[:800])


def scores(found):
    return {
        name: np.asarray(values).tolist()
        for name, values in found.cv_results_.items()
        if "score" in name and "time" not in name
    }


def epochs_done(memory):
    """Count epochs that nobody needs to train again, of all trainings."""
    longest = {}
    for each in FolderStore(memory, 1).files():
        longest[each.key] = max(each.epoch, longest.get(each.key, 0))
    return sum(longest.values())


def n_kept(memory):
    return len(FolderStore(memory, 1).files())


def start_child(memory):
    """Start the search in a process, and come back when it has begun."""
    code = f"""if True:
        import sys
        sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
        import test_resume
        print("begun", flush=True)
        test_resume.search({str(memory)!r})
        print("done", flush=True)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdout.readline() == b"begun\n"
    return child


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    expected = scores(search(None))
    child = start_child(tmp_path / "whole")
    begin = time.perf_counter()
    assert child.stdout.readline() == b"done\n"
    duration = time.perf_counter() - begin
    child.wait()
    assert epochs_done(tmp_path / "whole") == 24  # two nets, two folds, to the end
    assert n_kept(tmp_path / "whole") == 16  # of each 1, 2, 4 and 6

    rng = random.Random(0)
    kept = []
    for kill in range(KILLS):
        memory = tmp_path / str(kill)
        child = start_child(memory)
        if kill % 2:  # while states are written, which most of the time they are not
            wanted = rng.randrange(24)
            while epochs_done(memory) < wanted:
                assert child.poll() in (None, 0)
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.02))
        else:
            time.sleep(rng.uniform(0, 0.9 * duration))
        child.kill()  # SIGKILL
        child.wait()
        kept.append(epochs_done(memory))
        assert scores(search(str(memory))) == expected
        # All of it was found or trained, and nothing else is left of it.
        assert n_kept(memory) == 16
    # The moments differed, and some were before the end.
    assert len(set(kept)) > 4, kept
    assert min(kept) < 24, kept


@pytest.mark.slow
def test_one_search_killed_again_and_again(tmp_path):
    """Each life of the search gets further than the last."""
    expected = scores(search(None))
    rng = random.Random(1)
    kept = 0
    for _ in range(5):
        child = start_child(tmp_path)
        time.sleep(rng.uniform(0.5, 1.5))
        child.kill()
        child.wait()
        assert epochs_done(tmp_path) >= kept
        kept = epochs_done(tmp_path)
    assert kept > 0
    assert scores(search(str(tmp_path))) == expected


@pytest.mark.slow
def test_the_command_resumes_and_writes_the_same_tables(tmp_path):
    def command(out):
        return [
            *(sys.executable, "-m", "sknn_mnist.cli", "search", "--dataset", "digits"),
            *("--epochs", "2", "30", "--hidden-size", "64", "256", "--cv", "3"),
            *("--out", str(tmp_path / out)),
        ]

    def table(out):
        frame = pd.read_csv(tmp_path / out / "cv_results.csv")
        return frame[[name for name in frame.columns if "time" not in name]]

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    killed = subprocess.Popen(command("killed"), stderr=subprocess.PIPE, text=True)
    while not killed.stderr.readline().startswith("searching"):
        assert killed.poll() is None
    while epochs_done(tmp_path / "killed") < 20:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    killed.stderr.close()
    assert not (tmp_path / "killed" / "cv_results.csv").exists()
    again = subprocess.run(
        command("killed"), capture_output=True, text=True, check=True
    )
    assert "memory: " in again.stderr
    assert "fits resume from matching states" in again.stderr
    assert again.stdout.replace("killed", "whole") == whole.stdout
    pd.testing.assert_frame_equal(table("killed"), table("whole"))
    best = [
        json.loads((tmp_path / out / "best_params.json").read_text())
        for out in ("whole", "killed")
    ]
    assert best[0] == best[1]
