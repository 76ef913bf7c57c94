"""`sknn-mnist search` resumes and halves; `sknn-mnist cache` shows and clears."""

import re
from datetime import datetime, timedelta

import pandas as pd
import pytest

import sknn_mnist
from sknn_mnist.cli import main

SMALL = ["search", "--dataset", "digits", "--train-size", "300", "--cv", "2"]
GRID = ["--epochs", "1", "3", "--hidden-size", "8", "16"]


@pytest.fixture(autouse=True)
def nothing_kept():
    sknn_mnist.clear_memory(":memory:")


def results(folder):
    frame = pd.read_csv(folder / "cv_results.csv")
    return frame[[name for name in frame.columns if "time" not in name]]


def test_the_same_command_again_resumes(tmp_path, capsys):
    command = [*SMALL, *GRID, "--out", str(tmp_path)]
    assert main(command) == 0
    first, printed = results(tmp_path), capsys.readouterr()
    assert "12 of their 16 epochs trained, the others found" in printed.err
    assert "memory:" not in printed.err
    (tmp_path / "cv_results.csv").unlink()
    assert main(command) == 0
    again = capsys.readouterr()
    # Twelve of the search, three of the best on all rows.
    assert f"memory: {tmp_path} holds 15 states of 5 trainings" in again.err
    assert "0 of their 16 epochs trained, the others found" in again.err
    assert again.out == printed.out
    pd.testing.assert_frame_equal(results(tmp_path), first)
    larger = [*command, "--epochs", "1", "3", "4"]
    assert main(larger) == 0
    assert "4 of their 32 epochs trained" in capsys.readouterr().err


def test_without_files_epochs_are_shared_and_nothing_is_written(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, *GRID, "--no-refit", "--no-files"]) == 0
    assert "12 of their 16 epochs trained" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_memory_can_be_of_several_searches(tmp_path, capsys):
    memory = str(tmp_path / "memory")
    for out in ("a", "b"):
        command = [*SMALL, *GRID, "--memory", memory, "--out", str(tmp_path / out)]
        assert main([*command, "--no-refit"]) == 0
    assert "0 of their 16 epochs trained" in capsys.readouterr().err
    assert not (tmp_path / "a" / "training_states").exists()
    pd.testing.assert_frame_equal(results(tmp_path / "a"), results(tmp_path / "b"))


def test_fit_goes_on_from_its_memory(tmp_path, capsys):
    command = ["fit", *SMALL[1:-2], "--hidden-size", "8", "--verbose", "2"]
    command += ["--memory", str(tmp_path)]
    assert main([*command, "--epochs", "1"]) == 0
    assert main([*command, "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    assert out.count("Epoch 1/2") == 1
    assert f"Epoch 1/2: found in the memory {tmp_path}" in out


def test_halving_goes_on_with_the_best(tmp_path, capsys):
    command = [*SMALL, "--halving", "2", "--epochs", "4"]
    command += ["--hidden-size", "2", "4", "8", "64", "--out", str(tmp_path)]
    assert main(command) == 0
    printed = capsys.readouterr()
    frame = results(tmp_path)
    assert frame["n_resources"].tolist() == [1] * 4 + [2] * 2 + [4]
    assert frame["param_epochs"].tolist() == frame["n_resources"].tolist()
    # 4 candidates to 1 epoch, 2 from there to 2, 1 from there to 4; two folds.
    assert "searched: 14 fits in" in printed.err
    assert (
        "epochs: 16 trained, 8 found in the memory; all candidates to 4 from scratch: "
        "32\n"
    ) in printed.out
    assert re.search(r"\| 4 +\| 64 +\|", printed.out)
    assert "best parameters: hidden_size=64, epochs=4" in printed.out
    assert main(command) == 0
    assert "epochs: 0 trained, 24 found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--halving", "--epochs", "1", "2"],
            "takes a single value with it, the maximum. Got 1 2",
        ),
        (["--halving", "--epochs", "3"], "give an option other than --epochs several"),
        (["--halving", "1"], "expected an int of at least 2, got '1'"),
        (["--memory", __file__], "The 'memory' parameter of DenseClassifier must be"),
    ],
)
def test_wrong_usage_is_refused(args, message, capsys):
    assert main(["search", *args]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


def test_cache_shows_shrinks_and_clears(tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main([*SMALL, *GRID, "--out", out, "--no-refit"]) == 0
    (tmp_path / "empty").mkdir()
    capsys.readouterr()
    assert main(["cache", out, str(tmp_path / "empty")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    told, when = first.split(", last used ")
    assert re.fullmatch(rf"{out}: 12 states of 4 trainings, \d\.\d MB", told)
    assert datetime.now() - datetime.strptime(when, "%Y-%m-%d %H:%M") < timedelta(
        hours=1
    )
    assert second == f"{tmp_path / 'empty'}: 0 states of 0 trainings, 0.0 MB"
    assert main(["cache", "--shrink", "300K", out]) == 0
    removed, left = capsys.readouterr().out.splitlines()
    assert removed.startswith(f"{out}: removed ")
    assert float(re.search(r"([\d.]+) MB", left)[1]) <= 0.4
    assert main(["cache", "--clear", out]) == 0
    assert capsys.readouterr().out.endswith("0 states of 0 trainings, 0.0 MB\n")
    kept = {path.name for path in (tmp_path / "out").iterdir()}
    assert kept == {
        *("best_params.json", "cv_results.csv", "pivot.csv", "pivot.md"),
        "report.html",
    }


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["nowhere"], 1, "no such folder: nowhere"),
        ([], 2, "the following arguments are required: DIR"),
        (["--shrink", "3X", "."], 2, "expected a size such as 500M or 2G, got '3X'"),
        (["--shrink", "1G", "--clear", "."], 2, "not allowed with argument"),
    ],
)
def test_cache_refuses_what_it_does_not_know(args, code, message, capsys):
    assert main(["cache", *args]) == code
    assert message in capsys.readouterr().err
