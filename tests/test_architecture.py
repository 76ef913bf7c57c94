"""The house: who may know whom, as the table in CONTRIBUTING.md says, and the doors."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "sknn_mnist"
GROUND = "ground floor"

# Outside of the wings: the package itself, its old public path and the old paths in
# pickles. They hand on what wings have; no room imports them, only the package imports
# `_moved`. They alone, and the user's room, may import by a name that is computed when
# they run.
FACES = {PACKAGE, f"{PACKAGE}.builders", f"{PACKAGE}._moved"}
BETWEEN_FACES = (PACKAGE, f"{PACKAGE}._moved")
IMPORTERS = {"import_module", "__import__", "resolve_name"}
COMPUTED = "(a name that is computed)"

# An estimator's `save` writes files, and files hold estimators: one has to wait. This
# room imports that wing, within a function.
UPWARD = (f"{PACKAGE}.estimators._base", "files")

# Imports what the user names, of the user's own.
USERS_ROOM = f"{PACKAGE}.cli._own_networks"

TENSORFLOW_WINGS = {"engine", "networks"}
TENSORFLOW_ROOMS = {f"{PACKAGE}.inspection._gradients"}
SCIKERAS_ROOM = f"{PACKAGE}.estimators._scikeras"
# Doors to what is private to Keras and TensorFlow, and to scikit-learn.
PRIVATE_ROOMS = {
    f"{PACKAGE}.networks._keras_private",
    f"{PACKAGE}.estimators._sklearn_callbacks",
    f"{PACKAGE}.model_selection._sklearn_search",
}
# Private by where they are: `keras.src`, `tensorflow.python`.
PRIVATE_FOLDERS = {"src", "python"}

DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

MOST_LINES = 400


def rows_of_the_table():
    """Return {wing: (whom it may know, its longest room)} of CONTRIBUTING.md."""
    rows = {}
    for line in contributing().split("<!-- wings -->")[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and not cells[0].startswith(("wing", "---")):
            wing = re.sub(r"[`/]", "", cells[0])
            known = {re.sub(r"[`/]", "", each).strip() for each in cells[2].split(",")}
            rows[wing] = (known - {"none"}, re.sub("`", "", cells[3]))
    return rows


def contributing():
    return (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


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


@cache
def imports_of(module, tree):
    """Return what a module imports, at its top or later, whichever way it says so."""
    found = {each for node in ast.walk(tree) for each in imports_in(module, node)}
    return found | {COMPUTED} if hands_on_an_importer(tree) else found


def imports_in(module, node):
    """Yield what one statement or expression of a module imports."""
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom):
        source = absolute(module, "." * node.level + (node.module or ""))
        for each in node.names:
            yield known_part(f"{source}.{each.name}", source)
            if each.name in IMPORTERS and each.asname:  # and so by another name
                yield COMPUTED
    elif isinstance(node, ast.Call) and name_called(node) in IMPORTERS:
        name = node.args[0] if node.args else None
        yield absolute(module, name.value) if is_text(name) else COMPUTED
    elif isinstance(node, ast.Attribute):
        # `import sknn_mnist._messages` binds the package, and all that hangs on it.
        dotted = dotted_name(node)
        if dotted.startswith(f"{PACKAGE}."):
            yield known_part(dotted, PACKAGE)


def hands_on_an_importer(tree):
    """Tell whether an importer is mentioned, not called: `f = import_module`."""
    nodes = list(ast.walk(tree))
    called = [each for each in nodes if isinstance(each, ast.Call)]
    n_calls = sum(name_called(each) in IMPORTERS for each in called)
    mentioned = [each for each in nodes if isinstance(each, ast.Name | ast.Attribute)]
    names = [getattr(each, "attr", getattr(each, "id", None)) for each in mentioned]
    return sum(name in IMPORTERS for name in names) > n_calls


def name_called(call):
    return getattr(call.func, "attr", getattr(call.func, "id", None))


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def dotted_name(node):
    """Return names joined by dots as they are written; "" for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    before = dotted_name(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{before}.{node.attr}" if before else ""


def absolute(module, name):
    """Return the full name of what a module imports by a name with leading dots."""
    n_dots = len(name) - len(name.lstrip("."))
    if n_dots == 0:
        return name
    is_package = SOURCES[module].name == "__init__.py"
    parts = module.split(".") + [""] * is_package
    return ".".join([*parts[:-n_dots], *filter(None, [name.lstrip(".")])])


def known_part(name, otherwise):
    """Return the longest beginning of a dotted name that is a module of ours."""
    while name and name not in SOURCES:
        name = name.rpartition(".")[0]
    return name if len(name) > len(otherwise) else otherwise


def own_imports(trees):
    return {
        (importer, imported)
        for importer, tree in trees.items()
        for imported in imports_of(importer, tree)
        if imported.partition(".")[0] == PACKAGE or imported == COMPUTED
    }


def is_upward(importer, imported):
    return (importer, wing_of(imported)) == UPWARD


def forbidden_arrows(trees):
    """Return the imports that the table does not allow, or that hide from it."""
    return [
        f"{importer} -> {imported}"
        for importer, imported in sorted(own_imports(trees))
        if not is_allowed(importer, imported)
    ]


def is_allowed(importer, imported):
    if imported in FACES:
        return (importer, imported) == BETWEEN_FACES
    if importer in FACES:
        # Public names, of a wing as a whole; their own ground floor.
        return imported == COMPUTED or wing_of(imported) in (
            GROUND,
            imported.removeprefix(f"{PACKAGE}."),
        )
    if imported == COMPUTED:
        return importer == USERS_ROOM
    ours, theirs = wing_of(importer), wing_of(imported)
    return ours == theirs or theirs in ROWS[ours][0] or is_upward(importer, imported)


def circle_in(trees):
    """Return modules that import each other in a circle, of however many; or None."""
    graph = {name: set() for name in SOURCES}
    for importer, imported in own_imports(trees):
        if imported != COMPUTED and not is_upward(importer, imported):
            graph[importer].add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return err.args[1]
    return None


def early_upward_imports(trees):
    """Return what is imported upward when the importing room is imported itself."""
    importer = UPWARD[0]
    tree = trees.get(importer, ast.parse(""))
    later = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for statement in function.body
        for node in ast.walk(statement)
    }
    return [
        imported
        for node in ast.walk(tree)
        if id(node) not in later
        for imported in imports_in(importer, node)
        if is_upward(importer, imported)
    ]


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
        if any(each.partition(".")[0] == library for each in imports_of(importer, tree))
    }


def private_names(trees):
    """Return (module, name) of others' private parts, seen outside of their doors.

    Whose an attribute is can't be told from source: one that has the name of an
    attribute of ours passes for ours.
    """
    own = {name for tree in trees.values() for name in attributes_made_in(tree)}
    own |= {part for name in SOURCES for part in name.split(".")}
    return {
        (module, name)
        for module, tree in trees.items()
        if module not in PRIVATE_ROOMS
        for node in ast.walk(tree)
        for name in [*others_of(node), *(set(attributes_in(node)) - own)]
        if name in PRIVATE_FOLDERS or re.match("_(?!_)", name)
    }


def attributes_made_in(tree):
    """Yield what a tree defines that a dot may lead to: not its local variables."""
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS):
            yield node.name
        if isinstance(node, ast.Module | ast.ClassDef):
            for statement in node.body:
                if not isinstance(statement, DEFINITIONS):
                    yield from names_stored_in(statement)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and dotted_name(node.value) in ("self", "cls")
        ):
            yield node.attr


def names_stored_in(statement):
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def others_of(node):
    """Yield all parts of the names that are imported from other packages."""
    names = []
    if isinstance(node, ast.ImportFrom) and not node.level:
        names = [f"{node.module}.{each.name}" for each in node.names]
    elif isinstance(node, ast.Import):
        names = [each.name for each in node.names]
    elif isinstance(node, ast.Call) and name_called(node) in IMPORTERS:
        names = [each.value for each in node.args[:1] if is_text(each)]
    for name in names:
        if name.partition(".")[0] != PACKAGE:
            yield from name.split(".")


def attributes_in(node):
    """Yield the attributes that an expression asks for, by a dot or by name."""
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Call):
        asked = name_called(node)
        if asked in ("getattr", "hasattr", "setattr", "delattr"):
            yield from (each.value for each in node.args[1:2] if is_text(each))
        elif asked in ("attrgetter", "methodcaller"):
            for each in filter(is_text, node.args):
                yield from each.value.split(".")


def with_line(room, line):
    """Return all trees, with a line more in one of them; the package's room is ""."""
    module = f"{PACKAGE}.{room}".rstrip(".")
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


def test_the_one_arrow_upward_is_there_and_waits():
    upward = [each for each in own_imports(TREES) if is_upward(*each)]
    assert len(upward) == 1
    assert early_upward_imports(TREES) == []


def test_tensorflow_is_imported_where_arithmetic_is():
    assert outside_of_its_wings(TREES) == set()


def test_scikeras_has_one_door():
    assert importers_of("scikeras", TREES) == {SCIKERAS_ROOM}


def test_private_parts_of_others_stay_behind_their_doors():
    assert private_names(TREES) == set()


@pytest.mark.parametrize(
    ("room", "line"),
    [
        # All ways of importing a wing above.
        ("memory._stores", "import sknn_mnist.engine"),
        ("memory._stores", "import sknn_mnist.engine._pool as pool"),
        ("engine._loop", "from sknn_mnist import estimators"),
        ("engine._loop", "from sknn_mnist.estimators import DenseClassifier"),
        ("memory._stores", "from ..engine import _pool"),
        ("memory._stores", "from ..engine._pool import borrow"),
        ("memory", "from .. import engine"),
        ("engine._loop", "importlib.import_module('sknn_mnist.estimators')"),
        ("engine._loop", "import_module('..estimators', __package__)"),
        ("engine._loop", "__import__('sknn_mnist.cli')"),
        ("engine._pool", "sknn_mnist.cli.main()"),  # which binds `sknn_mnist`
        # Ways that hide what is imported.
        ("engine._loop", "importlib.import_module(name)"),
        ("engine._loop", "__import__(f'sknn_mnist.{name}')"),
        ("engine._loop", "from importlib import import_module as find"),
        ("engine._loop", "find = importlib.import_module"),
        ("engine._loop", "map(import_module, names)"),
        ("engine._loop", "pkgutil.resolve_name('sknn_mnist.cli')"),
        # Wings beside.
        ("display._history", "from sknn_mnist.reporting import _pivot"),
        ("files._values", "from sknn_mnist.cli import main"),
        ("inspection._maps", "from sknn_mnist.display import HistoryDisplay"),
        ("_parameters", "from sknn_mnist.networks import _recipes"),
        # The package itself, and old paths.
        ("datasets", "from sknn_mnist import DenseClassifier"),
        ("files._values", "import sknn_mnist"),
        ("engine._pool", "sknn_mnist.load(path)"),
        ("cli._main", "from .. import __version__"),
        ("reporting._pivot", "from sknn_mnist.builders import x"),
        ("reporting._pivot", "from sknn_mnist._moved import x"),
        # They themselves, which hand on what wings hand on.
        ("", "from sknn_mnist.files._values import value_to_json"),
        ("", "from sknn_mnist.builders import build_cnn"),
        ("builders", "from sknn_mnist.networks._builders import build_cnn"),
        ("_moved", "import sknn_mnist.engine._pool"),
    ],
)
def test_a_forbidden_arrow_is_found(room, line):
    assert set(forbidden_arrows(with_line(room, line))) > set(forbidden_arrows(TREES))


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("engine._pool", "from ..memory import _stores"),
        ("engine._pool", "from . import _watch"),
        ("cli._main", "import sknn_mnist.files as files"),
        ("cli._main", "import_module('sknn_mnist.files')"),
        ("cli._main", "sknn_mnist.files.load(path)"),
        ("files._values", "from sknn_mnist import estimators, _parameters"),
        ("", "from sknn_mnist import files, _parameters"),
        ("builders", "import_module(name)"),
    ],
)
def test_an_allowed_arrow_is_none_too_many(room, line):
    assert forbidden_arrows(with_line(room, line)) == forbidden_arrows(TREES)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("engine._watch", "from sknn_mnist.engine import _training"),
        ("engine._watch", "from . import _training"),
        ("engine._watch", "import_module('sknn_mnist.engine._training')"),
        ("memory._states", "from sknn_mnist.memory import clear_memory"),
    ],
)
def test_a_circle_is_found(room, line):
    rooms = circle_in(with_line(room, line))
    assert f"{PACKAGE}.{room}" in rooms


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("reporting._html", "import tensorflow as tf"),
        ("memory._states", "from tensorflow import constant"),
        ("inspection._maps", "import tensorflow.keras"),
        ("files._values", "importlib.import_module('tensorflow')"),
    ],
)
def test_tensorflow_elsewhere_is_found(room, line):
    assert f"{PACKAGE}.{room}" in outside_of_its_wings(with_line(room, line))


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("engine._pool", "from scikeras.wrappers import BaseWrapper"),
        ("cli._main", "__import__('scikeras')"),
    ],
)
def test_another_door_to_scikeras_is_found(room, line):
    assert f"{PACKAGE}.{room}" in importers_of("scikeras", with_line(room, line))


@pytest.mark.parametrize(
    ("room", "line", "name"),
    [
        ("engine._pool", "from keras.src.trainers import trainer", "src"),
        ("engine._pool", "import tensorflow.python.eager", "python"),
        ("engine._pool", "import_module('keras.src')", "src"),
        ("engine._pool", "keras.src.trainers", "src"),
        ("engine._pool", "keras.Model._flatten_layers(1)", "_flatten_layers"),
        ("cli._parser", "argparse._ActionsContainer", "_ActionsContainer"),
        ("networks._recipes", "getattr(keras, '_private_thing')", "_private_thing"),
        ("networks._recipes", "setattr(keras, '_private_thing', 1)", "_private_thing"),
        ("networks._recipes", "attrgetter('a._private_thing')", "_private_thing"),
        ("files._values", "from sklearn.utils._tags import x", "_tags"),
        # Under names that rooms of ours or local variables have as well.
        ("files._values", "from sklearn.utils import _loop", "_loop"),
        ("files._values", "_there = value._there", "_there"),
    ],
)
def test_a_private_part_is_found(room, line, name):
    assert (f"{PACKAGE}.{room}", name) in private_names(with_line(room, line))


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


def test_what_contributing_sends_to_is_there():
    section = contributing().split("## Where things go")[1].split("\n## ")[0]
    places = re.findall(r"`((?:[\w]+/)*[\w.]*(?:/|\.\w+))`", section)
    assert len(places) > 20
    assert [
        each
        for each in places
        if not (ROOT / each).exists() and not (ROOT / PACKAGE / each).exists()
    ] == []
