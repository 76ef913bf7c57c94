"""A command line becomes one value, in the rooms of the parser and nowhere else."""

import argparse
import ast
import dataclasses
from pathlib import Path

import pytest

import sknn_mnist.cli
from sknn_mnist.cli._arguments import (
    Cache,
    Datasets,
    DataSource,
    Evaluate,
    Examples,
    Fit,
    Hyperband,
    Network,
    Place,
    Predict,
    Reading,
    Search,
    Span,
    Stopping,
    Version,
)
from sknn_mnist.cli._parser import make_parser, parse

ROOMS = sorted(Path(sknn_mnist.cli.__file__).parent.glob("*.py"))
PARSER_ROOMS = {
    *("_command_options", "_network_options", "_option_groups", "_option_values"),
    *("_option_ranges", "_own_options", "_parser", "_search_options"),
    "_stopping_options",
}

# The least that each command takes, and what it becomes.
LEAST = {
    "search": Search,
    "fit": Fit,
    "evaluate --load net": Evaluate,
    "predict --load net": Predict,
    "datasets": Datasets,
    "cache folder": Cache,
    "examples": Examples,
}

# A value for the options whose own name or type does not make one.
VALUES = {
    "--model": "nets.py:make_model",
    "--set": "hidden_size=7",
    "--dataset": "mnist",
    "--image-size": "28x28",
    "--test-size": "0.5",
    "--batch-norm": "true",
    "--shrink": "1K",
    "--verbose": "2",
    "--validation-split": "0.5",
    "--refit-epochs": "median",
}

# Options that others need.
NEED = {
    "--stratify": ["--validation-split", "0.3"],
    "--n-iter-no-change": ["--early-stopping"],
    "--tol": ["--early-stopping"],
    "--monitor": ["--early-stopping"],
    "--refit-epochs": ["--early-stopping"],
    "--minutes": ["--hyperband"],
    "--patience": ["--hyperband"],
    "--hyperband-iterations": ["--hyperband"],
}


def options():
    """Yield each option of each command, with a value unlike its default."""
    (commands,) = [
        action
        for action in make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    for least in LEAST:
        for action in commands.choices[least.split()[0]]._actions:
            if not action.option_strings or action.dest == "help":
                continue
            flag = action.option_strings[0]
            takes_none = action.nargs == 0
            yield least, [flag] if takes_none else [flag, VALUES.get(flag, "7")]


@pytest.mark.parametrize("least", LEAST)
def test_each_command_becomes_a_value_of_its_own(least):
    assert type(parse(least.split())) is LEAST[least]


@pytest.mark.parametrize(("least", "option"), list(options()), ids=str)
def test_no_option_is_lost(least, option):
    before = [*least.split(), *NEED.get(option[0], [])]
    changed = parse([*before, *option])
    for field in dataclasses.fields(changed):
        if field.name == "typed":  # changes with whatever is typed
            changed = dataclasses.replace(changed, typed=tuple(before))
    assert changed != parse(before)


def test_a_search_is_all_that_was_typed():
    typed = (
        *("search", "--model", "cnn", "--epochs", "4", "--filters", "8", "8,8"),
        *("--random-state", "3", "--dataset", "mnist", "--data", "x.npz", "--download"),
        *("--target", "kind", "--image-size", "9x8x3", "--test-size", "0.5"),
        *(
            "--skip-broken",
            "--train-size",
            "9",
            "--cv",
            "2",
            "--scoring",
            "f1_macro",
            "--n-jobs",
            "-1",
        ),
        *("--dask", "local", "--halving", "--no-refit", "--out", "o", "--overwrite"),
        *("--no-files", "--memory", "m", "--quiet", "--early-stopping", "--stratify"),
        *("--validation-split", "0.25", "--tol", "0.5", "--monitor", "val_loss"),
    )
    assert parse(typed) == Search(
        network=Network("cnn", {"epochs": [4], "filters": [8, (8, 8)]}, 3),
        data=DataSource(
            "mnist",
            "x.npz",
            download=True,
            train_size=9,
            reading=Reading("kind", (9, 8, 3), None, 0.5, skip_broken=True),
        ),
        cv=2,
        scoring="f1_macro",
        n_jobs=-1,
        dask="local",
        halving=3,
        hyperband=None,
        refit=False,
        refit_epochs=None,
        out="o",
        overwrite=True,
        files=False,
        memory="m",
        quiet=True,
        typed=typed,
        stopping=Stopping(0.25, True, True, {"tol": 0.5, "monitor": "val_loss"}),
    )


def test_ranges_are_those_that_were_typed():
    typed = "--hidden-size 16:512 --batch-size 8:64:LOG --learning-rate 1e-4:1e-1:log"
    typed += " --dropout 0:0.5 --batch-norm true false --epochs 27"
    typed += " --minutes 0.5 --patience 9 --hyperband-iterations 2"
    asked = parse(["search", "--hyperband", "4", *typed.split()])
    assert asked.hyperband == Hyperband(4, 2, 0.5, 9)
    parameters = {
        "epochs": [27],
        "hidden_size": [Span(16, 512)],
        "dropout": [Span(0.0, 0.5)],
        "batch_norm": [True, False],
        "learning_rate": [Span(0.0001, 0.1, log=True)],
        "batch_size": [Span(8, 64, log=True)],
    }
    assert repr(asked.network.parameters) == repr(parameters)  # ints or floats


def test_a_setting_with_colons_is_a_range_of_numbers_or_text():
    values = ("n=16:512", "rate=.1:1e0:log", "mixed=1:2.5", "t=9:30:00", "u='1:2'")
    settings = [part for value in values for part in ("--set", value)]
    asked = parse(["search", "--model", "nets.py:make", "--hyperband", *settings])
    assert repr(asked.network.settings) == repr(
        {
            "n": [Span(16, 512)],
            "rate": [Span(0.1, 1.0, log=True)],
            "mixed": [Span(1.0, 2.5)],
            "t": ["9:30:00"],
            "u": ["1:2"],
        }
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("search --hidden-size 16:512", "add that, or give values, such as --hidden"),
        ("search --halving --dropout 0:0.5", "--dropout 0.0:0.5 is a range, which on"),
        ("fit --hidden-size 16:512", "only search --hyperband draws from: give a sing"),
        ("fit --model n.py:f --set a=1:2", "a text has quotes of its own, \"'...'\""),
        ("search --hyperband --hidden-size 8:16 4", "one range or several values, not"),
        (
            "search --model n.py:f --hyperband --set a=1:2,3",
            "a range or values, not bo",
        ),
        (
            "search --model n.py:f --hyperband --set a=16:9",
            "as a text it is \"'16:9'\"",
        ),
        ("search --hyperband --epochs 1:9", "--epochs: takes no range, got '1:9'"),
        ("search --hyperband --activation 1:2", "--activation: takes no range"),
        ("search --hyperband --hidden-size 0.5:2", "expected a range of ints LOW:HIGH"),
        ("search --hyperband --dropout 0:inf", "expected a range of numbers LOW:HIGH"),
        ("search --hyperband --dropout 0:0.5:lg", "expected a range of numbers LOW"),
        ("search --hyperband --filters 4:4", "with LOW below HIGH, got '4:4'"),
        ("search --hyperband --learning-rate 0:1:log", "begins above 0, got '0:1:log'"),
        ("search --hyperband --halving", "not allowed with argument --hyperband"),
        ("search --hyperband 1", "expected an int of at least 2, got '1'"),
        ("search --hyperband --minutes inf", "expected a number above 0, such as 5"),
        ("search --minutes 5", "--minutes needs --hyperband"),
        ("search --halving --patience 5", "--patience needs --hyperband"),
    ],
)
def test_a_range_in_the_wrong_place_is_wrong_usage(typed, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse(typed.split())
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_settings_are_of_a_network_of_ones_own():
    asked = parse(["fit", "--model", "nets.py:make", "--epochs", "2", "--set", "a=x"])
    place = Place("nets.py", "make")
    assert asked.network == Network(place, {"epochs": 2}, 0, {"a": "x"})


def test_the_version_comes_before_any_command():
    assert parse(["--version"]) == Version(details=False)
    assert parse(["--version", "--verbose", "datasets"]) == Version(details=True)


def test_the_process_is_asked_where_no_arguments_are_given(monkeypatch):
    monkeypatch.setattr("sys.argv", ["sknn-mnist", "search", "--quiet"])
    assert parse(None).typed == ("search", "--quiet")


def test_only_the_rooms_of_the_parser_know_argparse():
    knowing = {
        path.stem
        for path in ROOMS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import | ast.ImportFrom) and "argparse" in names(node))
        or (isinstance(node, ast.Name | ast.Attribute) and "Namespace" in names(node))
    }
    assert knowing == PARSER_ROOMS


def names(node):
    if isinstance(node, ast.Name | ast.Attribute):
        return [getattr(node, "id", None) or node.attr]
    return [getattr(node, "module", None), *(each.name for each in node.names)]
