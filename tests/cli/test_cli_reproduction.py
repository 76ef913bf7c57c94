"""The Python in a search's report makes the search that was run."""

import ast

import pytest

from sknn_mnist.cli._candidates import Candidates, candidates_of
from sknn_mnist.cli._data import Data
from sknn_mnist.cli._parser import parse
from sknn_mnist.cli._plan import Plan
from sknn_mnist.cli._reproduction import python_of_search
from sknn_mnist.cli._searcher import make_search

DIGITS = Data([], [], [], [], "digits", "there")


@pytest.mark.parametrize(
    "more", [[], ["--halving"], ["--hyperband"], ["--no-refit", "--n-jobs", "2"]]
)
def test_generated_code_is_python_of_public_names(more):
    class Net:
        epochs = 9

    asked = parse(["search", "--data", "a'b.npz", "--train-size", "5", *more])
    fixed, grid = {"random_state": 0}, {"hidden_size": [(4, 4), 8]}
    candidates = Candidates(Net(), fixed, grid, asked.by)
    data = Data([], [], [], [], "mnist", "there")
    code = python_of_search(Plan(asked, candidates, data, None))
    modules = {
        node.module for node in ast.parse(code).body if isinstance(node, ast.ImportFrom)
    }
    assert modules >= {"sknn_mnist", "sknn_mnist.datasets", "sknn_mnist.reporting"}
    assert not [module for module in modules if "._" in module]


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--model cnn",
        "--halving",
        "--hyperband",
        "--model cnn --hyperband --epochs 9 --minutes 0.5 --patience 20 --n-jobs 100",
        "--hyperband 2 --hyperband-iterations 3 --hidden-size 8:16:log --epochs 4",
        "--halving 2 --hidden-size 8 8,4 none --epochs 7 --dropout 0.5 --n-jobs 3",
        "--cv 3 --scoring f1_macro --n-jobs 2 --no-refit --random-state 4",
        "--n-jobs 100 --epochs 1 --batch-norm true false --activation tanh",
        "--n-jobs -1 --learning-rate none 0.1 --optimizer sgd --batch-size 16",
        "--model cnn --filters 8,8 4 --kernel-size 3,5 --pool-size 2 --train-size 90",
    ],
)
def test_its_python_makes_the_same_search(options):
    asked = parse(["search", "--dataset", "digits", *options.split()])
    candidates = candidates_of(asked)
    made = make_search(asked, candidates)
    code = python_of_search(Plan(asked, candidates, DIGITS, None))
    namespace = {}
    before_the_fit = code.split("search.fit(")[0]
    exec(compile(before_the_fit, "report.html", "exec"), namespace)
    assert type(namespace["search"]) is type(made)
    assert parameters(namespace["search"]) == parameters(made)
    # The command refits later, and keeps states where it was told to.
    assert namespace["search"].refit == asked.refit
    assert not made.refit
    assert len(namespace["X_train"]) == (asked.data.train_size or 1437)


def parameters(search):
    of_all = search.get_params(deep=True)
    estimator = of_all.pop("estimator")
    del of_all["refit"], of_all["estimator__memory"]
    return {**of_all, "estimator": type(estimator)}
