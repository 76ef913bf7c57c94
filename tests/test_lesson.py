"""What the lesson's examples share: claims that can fail, arguments, figures."""

import sys

import pytest
from matplotlib.figure import Figure

from sknn_mnist.lesson import arguments, claim, load, save


def test_a_claim_that_does_not_hold_ends_the_example(capsys):
    with pytest.raises(AssertionError, match="not so: two is one"):
        claim("two is one", 2 == 1)
    assert capsys.readouterr().out == ""


def test_arguments_of_a_script_and_of_anything_else(monkeypatch, tmp_path):
    monkeypatch.setattr(
        sys, "argv", ["plot_01_net.py", "--full", "--out", str(tmp_path)]
    )
    args = arguments("A lesson\n========")
    assert (args.dataset, args.full, args.out) == ("digits", True, tmp_path)
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    args = arguments("")
    assert (args.dataset, args.full, args.out) == ("digits", False, None)


def test_figures_are_written_where_they_are_asked_for(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["plot_01_net.py", "--out", ""])
    save(Figure(), arguments(""), "01_digits")
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys, "argv", ["plot_01_net.py", "--out", str(tmp_path / "a")])
    save(Figure(), arguments(""), "01_digits")
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["01_digits.png"]
    assert "01_digits.png" in capsys.readouterr().out


def test_quick_and_full_data(mnist_file, monkeypatch):
    monkeypatch.setenv("SKNN_MNIST_DATA", str(mnist_file))
    for options, n_rows in (([], 6000), (["--full"], 60000)):
        monkeypatch.setattr(sys, "argv", ["plot_1.py", "--dataset", "mnist", *options])
        X_train, _, y_train, _ = load(arguments(""), layout="image")
        assert X_train.shape == (n_rows, 28, 28)
        assert len(y_train) == n_rows
