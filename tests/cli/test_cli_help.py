"""What the command line says without asking: that it is so elsewhere.

Its help, and what it says of the bundled digits, are there before TensorFlow or
scikit-learn is loaded, and so they can't be taken from the rooms they are about.
"""

import re

import pytest
from joblib.disk import memstr_to_bytes

from sknn_mnist.cli import main
from sknn_mnist.cli._arguments import DataSource
from sknn_mnist.cli._loading import load_data
from sknn_mnist.cli._parser import parse
from sknn_mnist.datasets import load_dataset
from sknn_mnist.memory._stores import open_memory


def said(capsys, *args):
    """Return what a command prints, on one line."""
    assert main([*args]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture
def datasets():
    """Names that `load_dataset` takes, as it says when it is given another."""
    with pytest.raises(ValueError, match="'name' parameter") as refused:
        load_dataset("another")
    allowed, _ = str(refused.value).split(" Got ")
    return set(re.findall(r"'(\w+)'", allowed)) - {"name"}


def test_help_knows_the_limit_of_a_folder_of_states(capsys, monkeypatch, tmp_path):
    told = said(capsys, "cache", "--help")
    variable = re.search(r"environment variable (\w+)", told)[1]
    monkeypatch.delenv(variable, raising=False)
    most = re.search(r"Folders hold (\d+) GB", told)[1]
    assert open_memory(tmp_path, "test").limit == memstr_to_bytes(f"{most}G")
    for example in re.search(r"says \((.*?)\)", told)[1].split(", "):
        monkeypatch.setenv(variable, example)
        assert open_memory(tmp_path, "test").limit == memstr_to_bytes(example)


@pytest.mark.parametrize(
    "command", ["search", "fit", "evaluate --load net", "predict --load net"]
)
def test_all_datasets_may_be_named(command, datasets):
    for name in datasets:
        asked = parse([*command.split(), "--dataset", name])
        assert asked.data.dataset == name


def test_no_other_dataset_may_be_named(capsys, datasets):
    told = said(capsys, "fit", "--help")
    assert set(re.search(r"--dataset \{(.*?)\}", told)[1].split(",")) == datasets
    assert DataSource("auto").is_default
    assert parse(["fit"]).data.is_default


def test_all_datasets_are_listed(capsys, datasets):
    assert main(["datasets"]) == 0
    listed = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert sorted(listed) == sorted(datasets - {"auto"})


def test_the_list_knows_the_digits(capsys):
    assert main(["datasets"]) == 0
    (line,) = re.findall("^digits: .*", capsys.readouterr().out, re.M)
    counted = load_data(DataSource("digits"), quiet=True).about.partition("), ")[2]
    assert counted
    assert line.endswith(f", {counted}")
