"""The house: who may know whom, as the table in CONTRIBUTING.md says, and the doors."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "sknn_mnist"
GROUND = "ground floor"

# Public names handed on, lazily or under an old path. Nobody imports from them.
FACES = {PACKAGE, f"{PACKAGE}.builders", f"{PACKAGE}._moved"}

# An estimator's `save` writes files, and files hold estimators: one has to wait.
MARKED = (f"{PACKAGE}.estimators._base", f"{PACKAGE}.files")

TENSORFLOW_WINGS = {"engine", "networks"}
TENSORFLOW_ROOMS = {
    f"{PACKAGE}._keras_private",
    f"{PACKAGE}._quiet_start",
    f"{PACKAGE}.inspection._gradients",
}
SCIKERAS_ROOM = f"{PACKAGE}.estimators._scikeras"
# Doors to what is private to Keras and TensorFlow, and to scikit-learn.
PRIVATE_ROOMS = {
    f"{PACKAGE}._keras_private",
    f"{PACKAGE}.estimators._sklearn_callbacks",
}

MOST_LINES = 400


def rows_of_the_table():
    """Return {wing: (whom it may know, its longest room)} of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = {}
    for line in text.split("<!-- wings -->")[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and not cells[0].startswith(("wing", "---")):
            wing = re.sub(r"[`/]", "", cells[0])
            known = {re.sub(r"[`/]", "", each).strip() for each in cells[2].split(",")}
            rows[wing] = (known - {"none"}, re.sub("`", "", cells[3]))
    return rows


ROWS = rows_of_the_table()
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
}
TREES = {
    name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()
}


def wing_of(module):
    parts = module.split(".")
    folder = ROOT.joinpath(*parts[:2])
    return parts[1] if len(parts) > 1 and folder.is_dir() else GROUND


def imports_of(tree):
    """Return all modules that a tree imports, at its top or later."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                full = f"{node.module}.{each.name}"
                yield full if full in SOURCES else node.module


def own_imports(trees):
    return {
        (importer, imported)
        for importer, tree in trees.items()
        for imported in imports_of(tree)
        if imported.partition(".")[0] == PACKAGE
    }


def forbidden_arrows(trees):
    """Return the imports between wings that the table does not allow."""
    found = []
    for importer, imported in sorted(own_imports(trees) - {MARKED}):
        ours, theirs = wing_of(importer), wing_of(imported)
        if imported in FACES - {importer} or (
            importer not in FACES and ours != theirs and theirs not in ROWS[ours][0]
        ):
            found.append(f"{importer} -> {imported}")
    return found


def circle_in(trees):
    """Return modules that import each other in a circle, of however many; or None."""
    graph = {name: set() for name in SOURCES}
    for importer, imported in own_imports(trees) - {MARKED}:
        graph[importer].add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return err.args[1]
    return None


def outside_of_its_wings(trees):
    """Return who imports TensorFlow and computes nothing."""
    return {
        module
        for module in importers_of("tensorflow", trees)
        if wing_of(module) not in TENSORFLOW_WINGS and module not in TENSORFLOW_ROOMS
    }


def importers_of(library, trees):
    return {
        importer
        for importer, tree in trees.items()
        if any(each.partition(".")[0] == library for each in imports_of(tree))
    }


def private_names(trees):
    """Return (module, name) of others' private parts, seen outside of their doors."""
    own = {part for name in SOURCES for part in name.split(".")}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if getattr(node.value, "id", "") in ("self", "cls", "made"):
                    own.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
    found = set()
    for module, tree in trees.items():
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Attribute):
                names = [node.attr]
            elif isinstance(node, ast.ImportFrom):
                if node.module.partition(".")[0] == PACKAGE:
                    continue
                names = [*node.module.split("."), *(each.name for each in node.names)]
            elif isinstance(node, ast.Import):
                names = [part for each in node.names for part in each.name.split(".")]
                names = [] if names[0] == PACKAGE else names
            elif isinstance(node, ast.Call) and len(node.args) > 1:
                asked = getattr(node.func, "id", "") in ("getattr", "hasattr")
                if asked and isinstance(node.args[1], ast.Constant):
                    names = [node.args[1].value]
            found |= {
                (module, name)
                for name in names
                if module not in PRIVATE_ROOMS
                and name not in own
                and (is_private(name) or name in ("src", "python"))
            }
    return found


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def with_line(module, line):
    """Return all trees, with a line more in one of them."""
    text = SOURCES[module].read_text(encoding="utf-8")
    return {**TREES, module: ast.parse(f"{text}\n\ndef later():\n    {line}\n")}


def test_every_wing_has_a_row_and_every_row_a_wing():
    assert set(ROWS) == {wing_of(name) for name in SOURCES}


def test_the_table_allows_no_circle():
    graph = {wing: known for wing, (known, _) in ROWS.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(ROWS)


def test_imports_follow_the_table():
    assert forbidden_arrows(TREES) == []


def test_modules_make_no_circle():
    assert circle_in(TREES) is None


def test_tensorflow_is_imported_where_arithmetic_is():
    assert outside_of_its_wings(TREES) == set()


def test_scikeras_has_one_door():
    assert importers_of("scikeras", TREES) == {SCIKERAS_ROOM}


def test_private_parts_of_others_stay_behind_their_doors():
    assert private_names(TREES) == set()


@pytest.mark.parametrize(
    ("room", "line", "rule"),
    [
        ("memory._stores", "import sknn_mnist.engine._pool", forbidden_arrows),
        ("engine._loop", "from sknn_mnist import estimators", forbidden_arrows),
        (
            "display._history",
            "from sknn_mnist.reporting import _pivot",
            forbidden_arrows,
        ),
        ("files._values", "from sknn_mnist.cli import main", forbidden_arrows),
        ("_parameters", "from sknn_mnist.networks import _recipes", forbidden_arrows),
        ("datasets", "from sknn_mnist import DenseClassifier", forbidden_arrows),
        ("reporting._pivot", "from sknn_mnist.builders import x", forbidden_arrows),
        ("engine._watch", "from sknn_mnist.engine import _training", circle_in),
        ("reporting._html", "import tensorflow as tf", outside_of_its_wings),
        ("memory._states", "from tensorflow import constant", outside_of_its_wings),
        ("engine._pool", "from keras.src.trainers import trainer", private_names),
        ("engine._pool", "import tensorflow.python.eager", private_names),
        ("engine._pool", "keras.Model._flatten_layers(1)", private_names),
        ("networks._recipes", "getattr(keras, '_private_thing')", private_names),
        ("estimators._dense", "from sklearn.utils._tags import x", private_names),
    ],
)
def test_a_line_too_many_is_found(room, line, rule):
    assert rule(with_line(f"{PACKAGE}.{room}", line))


@pytest.mark.parametrize("room", ["engine._pool", "estimators._dense", "cli._main"])
def test_another_door_to_scikeras_is_found(room):
    trees = with_line(f"{PACKAGE}.{room}", "from scikeras.wrappers import BaseWrapper")
    assert importers_of("scikeras", trees) != {SCIKERAS_ROOM}


def test_rooms_are_small():
    long = {
        name: lines
        for name, path in SOURCES.items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


@pytest.mark.parametrize("wing", ROWS)
def test_the_table_knows_the_longest_room(wing):
    lines = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for name, path in SOURCES.items()
        if wing_of(name) == wing
    }
    # Or nearly so: rooms grow from day to day.
    assert lines[ROWS[wing][1]] > 0.8 * max(lines.values())
