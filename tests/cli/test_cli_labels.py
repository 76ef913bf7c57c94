"""`evaluate` and `predict` with nets of any labels; tables free of formulas."""

import csv
import io
import re

import numpy as np
import pandas as pd
import pytest

from sknn_mnist import DenseClassifier
from sknn_mnist.cli import main
from sknn_mnist.cli._csv import csv_of, guarded
from sknn_mnist.cli._results import write_tables
from sknn_mnist.datasets import load_digits28

DIGITS = ["--dataset", "digits"]


@pytest.fixture(scope="module")
def rows():
    X_train, X_test, y_train, y_test = load_digits28(return_X_y=True)
    return X_train[:400], X_test, y_train[:400], y_test


@pytest.fixture(autouse=True)
def no_mnist(monkeypatch, tmp_path):
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def saved(tmp_path, X, y, **parameters):
    net = DenseClassifier(
        hidden_size=16,
        epochs=8,
        batch_size=32,
        learning_rate=0.01,
        random_state=0,
        **parameters,
    ).fit(X, y)
    net.save(tmp_path / "net")
    return net, str(tmp_path / "net")


@pytest.mark.parametrize(
    "as_labels",
    [
        lambda y: y.astype(np.uint8),
        lambda y: y.astype(float),
        lambda y: y.astype(str),
        lambda y: y.astype(str).astype(object),
    ],
    ids=["ints", "floats", "text", "objects"],
)
def test_evaluate_labels_that_spell_the_digits(as_labels, rows, capsys, tmp_path):
    X, X_test, y, y_test = rows
    net, path = saved(tmp_path, X, as_labels(y))
    assert main(["evaluate", "--load", path, *DIGITS]) == 0
    out = capsys.readouterr().out
    right = net.score(X_test, as_labels(y_test))
    assert right > 0.5
    assert out.startswith(f"test accuracy: {right:.4f} (on 360 rows of digits)\n\n")
    assert re.search(r"^ +7 ( +\d\.\d{4}){3} +\d+$", out, re.MULTILINE)


@pytest.mark.parametrize("loss", ["auto", "categorical_crossentropy"])
def test_evaluate_indicators_of_the_digits(loss, rows, capsys, tmp_path):
    X, X_test, y, y_test = rows
    net, path = saved(tmp_path, X, np.eye(10, dtype=int)[y], loss=loss)
    assert main(["evaluate", "--load", path, *DIGITS]) == 0
    right = net.score(X_test, np.eye(10, dtype=int)[y_test])
    assert right > 0.3
    assert f"test accuracy: {right:.4f} (on 360" in capsys.readouterr().out


def test_evaluate_a_net_of_some_of_the_digits(rows, capsys, tmp_path):
    X, X_test, y, y_test = rows
    net, path = saved(tmp_path, X[y < 2], y[y < 2])
    assert main(["evaluate", "--load", path, *DIGITS]) == 0
    assert f"accuracy: {net.score(X_test, y_test):.4f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("as_labels", "message"),
    [
        (
            lambda y: np.array(["even", "odd"])[y % 2],
            "have: 'even', 'odd'; its labels are 0, ",
        ),
        (lambda y: y % 2 == 0, "does not have: False, True"),
        (
            lambda y: y + 1,
            "digits does not have: 10; its labels are 0, 1, 2, 3, 4, 5, 6, 7, 8",
        ),
        (lambda y: np.char.add("0", y.astype(str)), "'00', '01'"),
        (
            lambda y: np.eye(10, dtype=int)[y][:, :3],
            "predicts 3 labels per row, by column",
        ),
        (lambda y: np.eye(12, dtype=int)[y], "predicts 12 labels per row"),
    ],
    ids=["words", "bools", "others", "zeros", "few", "many"],
)
def test_evaluate_other_labels_is_one_sentence(
    as_labels, message, rows, capsys, tmp_path
):
    X, _, y, _ = rows
    _, path = saved(tmp_path, X, as_labels(y))
    assert main(["evaluate", "--load", path, *DIGITS]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err.splitlines()[-1]


@pytest.mark.parametrize("loss", ["auto", "categorical_crossentropy"])
def test_predict_several_labels_a_row(loss, rows, capsys, tmp_path):
    X, X_test, y, y_test = rows
    net, path = saved(tmp_path, X, np.eye(10, dtype=int)[y], loss=loss)
    assert main(["predict", "--load", path, *DIGITS]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [int(row["label"]) for row in table] == y_test.tolist()
    for row, marks, probabilities in zip(
        table, net.predict(X_test), net.predict_proba(X_test), strict=True
    ):
        numbers = [int(each) for each in row["prediction"].split()]
        assert numbers == np.flatnonzero(marks).tolist()
        told = [float(row[f"probability_{number}"]) for number in range(10)]
        np.testing.assert_allclose(told, probabilities, atol=1e-6)


FORMULAS = [
    '=HYPERLINK("x")',
    "+A1",
    "-A1",
    "@SUM(1)",
    "\tx",
    "\rx",
    "＝1+1",
    "-",
    "=1",
]


def test_predict_writes_no_formulas(rows, capsys, tmp_path):
    X, _, y, _ = rows
    labels = np.array([*FORMULAS, "plain"])
    _, path = saved(tmp_path, X, labels[y])
    out = tmp_path / "table.csv"
    assert main(["predict", "--load", path, *DIGITS, "--out", str(out)]) == 0
    with out.open(newline="", encoding="utf-8") as file:
        told = {row["prediction"] for row in csv.DictReader(file)}
    assert len(told) > 3
    assert told <= {*(f"'{each}" for each in FORMULAS), "plain"}


def test_predict_keeps_numbers(rows, capsys, tmp_path):
    X, X_test, y, _ = rows
    for labels in (y - 5, y * -1.0, (y - 5).astype(str)):
        net, path = saved(tmp_path, X, labels)
        assert main(["predict", "--load", path, *DIGITS]) == 0
        table = pd.read_csv(io.StringIO(capsys.readouterr().out))
        np.testing.assert_array_equal(
            table["prediction"], net.predict(X_test).astype(float)
        )


@pytest.mark.parametrize("cell", ["-3", "+3", "-3.5", "-1e-9", "-inf", "3", "", "a=b"])
def test_numbers_and_plain_text_stay(cell):
    assert guarded(cell) == cell


@pytest.mark.parametrize("cell", [*FORMULAS, "-3 apples", "-1e", "--1", "+1-1", "-x"])
def test_formulas_do_not(cell):
    assert guarded(cell) == f"'{cell}"
    assert next(csv.reader(io.StringIO(csv_of([[cell]]), newline=""))) == [f"'{cell}"]


def test_tables_of_a_search_hold_no_formulas(tmp_path):
    results = pd.DataFrame({"param_a": ["=1+1", "b"], "mean_test_score": [-0.5, 1.0]})
    write_tables(tmp_path, results, results.set_index("param_a"), "")
    for name in ("cv_results.csv", "pivot.csv"):
        told = pd.read_csv(tmp_path / name)
        assert told["param_a"].tolist() == ["'=1+1", "b"]
        assert told["mean_test_score"].tolist() == [-0.5, 1.0]


@pytest.mark.parametrize("label", ["\udcff", "a\ud800b"])
def test_labels_that_utf8_can_not_hold_are_said(label, rows, capsys, tmp_path):
    X, _, y, _ = rows
    _, path = saved(tmp_path, X, np.array(["x", label])[y % 2])
    for out in ([], ["--out", str(tmp_path / "table.csv")]):
        assert main(["predict", "--load", path, *DIGITS, *out]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "which UTF-8 can't hold" in printed.err.splitlines()[-1]
    assert not (tmp_path / "table.csv").exists()
    assert main(["evaluate", "--load", path, *DIGITS]) == 1
    assert "does not have" in capsys.readouterr().err.splitlines()[-1]


def test_an_output_that_can_not_hold_a_label_is_said(
    rows, capsys, tmp_path, monkeypatch
):
    X, _, y, _ = rows
    _, path = saved(tmp_path, X, np.array(["né", "a"])[y % 2])
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", narrow)
    assert main(["predict", "--load", path, *DIGITS]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "standard output is ascii, which can't hold 'é': give --out" in said
    out = tmp_path / "table.csv"
    assert main(["predict", "--load", path, *DIGITS, "--out", str(out)]) == 0
    assert "né" in out.read_text("utf-8")
