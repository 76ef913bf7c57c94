"""Nothing that a file or an argument holds ends a command in a traceback."""

import gzip
import io
import os
import signal
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import sknn_mnist
from sknn_mnist import DenseClassifier, DenseRegressor
from sknn_mnist.cli import main
from sknn_mnist.cli._errors import sentence
from sknn_mnist.datasets import load_digits28, load_mnist
from sknn_mnist.datasets._mnist_files import IDX_NAMES, read_idx

posix = pytest.mark.skipif(os.name == "nt", reason="files are those of POSIX")

SMALL = ["--dataset", "digits", "--train-size", "60"]
ONE = ["--epochs", "1", "--hidden-size", "4"]


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No MNIST at hand, a folder of its own, and no waiting for ever."""
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    monkeypatch.delenv("SKNN_MNIST_MEMORY_LIMIT", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)
    if hasattr(signal, "SIGALRM"):
        before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits"))
        signal.alarm(120)
        yield
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    else:
        yield


@pytest.fixture
def no_training(monkeypatch):
    def fit(self, X, y):
        pytest.fail("training started")

    monkeypatch.setattr(DenseClassifier, "fit", fit)


@pytest.fixture(scope="module")
def net_file(tmp_path_factory):
    X, _, y, _ = load_digits28(return_X_y=True)
    path = tmp_path_factory.mktemp("net") / "net"
    DenseClassifier(hidden_size=4, epochs=1, random_state=0).fit(X[:60], y[:60]).save(
        path
    )
    return path


def assert_refused(args, capsys, codes=(1, 2)):
    """One sentence on standard error, and nothing else; gives the sentence."""
    assert main([os.fspath(arg) for arg in args]) in codes
    printed = capsys.readouterr()
    assert printed.out == ""
    said = [line for line in printed.err.splitlines() if "error: " in line]
    assert len(said) == 1, printed.err
    assert printed.err.splitlines()[-1] == said[0]
    assert "Traceback" not in printed.err
    return said[0]


# -- arrays ------------------------------------------------------------------------


def npy(header, data=b"", version=(1, 0), length=None):
    header = header if isinstance(header, bytes) else header.encode("latin-1")
    length = len(header) if length is None else length
    size = struct.pack("<H" if version[0] == 1 else "<I", length)
    return b"\x93NUMPY" + bytes(version) + size + header + data


def described(descr="'<f8'", fortran="False", shape="(1,784)"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


ROW = bytes(784 * 8)
BAD_ARRAYS = {
    "empty": b"",
    "magic alone": b"\x93NUMPY",
    "no header": npy(""),
    "zeros": npy("\0\0\0"),
    "header cut": npy("{}", length=65535),
    "header of 4 GB": npy("{}", version=(2, 0), length=2**32 - 1),
    "header too long": npy("a" * 20_000),
    "version 9": npy("{}", version=(9, 9)),
    "no utf-8": npy(b"\xff\xfe", version=(3, 0)),
    "petabytes": npy(described(shape="(1000000000000,784)")),
    "terabyte": npy(described(shape="(200000000,784)")),
    "beyond int64": npy(described(shape="(99999999999999999999,784)")),
    # NumPy 1 takes one negative size for whatever is there.
    **(
        {"negative": npy(described(shape="(-1,784)"), ROW)}
        if np.lib.NumpyVersion(np.__version__) >= "2.0.0"
        else {}
    ),
    "two negatives": npy(described(shape="(-1,-784)"), ROW),
    "bool as size": npy(described(shape="(True,784)"), ROW),
    "float as size": npy(described(shape="(1.0,784)"), ROW),
    "no rows": npy(described(shape="(0,784)")),
    "no columns": npy(described(shape="(5,0)")),
    "no rows of any length": npy(described(shape="(0,99999999999999)")),
    "70 dimensions": npy(described(shape=f"({'1,' * 70})"), ROW),
    "5 dimensions": npy(described(shape="(1,28,28,1,1)"), ROW),
    "1 dimension": npy(described(shape="(784,)"), ROW),
    "no dimension": npy(described(shape="()"), ROW),
    "short": npy(described(shape="(2,784)"), ROW),
    "objects": npy(described("'|O'"), ROW),
    "records": npy(described("[('a','<f8')]"), ROW),
    "subarrays": npy(described("('<f8',(1000000,1000000))"), ROW),
    "void": npy(described("'|V8'"), ROW),
    "void of nothing": npy(described("'|V0'", shape="(1000000000000,784)")),
    "text of nothing": npy(described("'|S0'", shape="(1000000000000,784)")),
    "wide text": npy(described("'<U99999999'")),
    "dates": npy(described("'<M8[s]'"), ROW),
    "complex": npy(described("'<c16'"), ROW * 2),
    "no dtype": npy(described("'q9q'"), ROW),
    "dtype of nothing": npy(described("()"), ROW),
    "dtype as dict": npy(described("{'names':['a']}"), ROW),
    "dtype as None": npy(described("None"), ROW),
    "order as int": npy(described(fortran="1"), ROW),
    "unfinished dict": npy("{'descr': '<f8', 'shape': (1,784), y\n"),
    "unfinished text": npy("'''\n"),
    "unfinished tuple": npy("(\n"),
    "indented": npy("if 1:\n  1\n 1\n"),
    "nested": npy("(" * 9000 + "\n"),
    "nested lists": npy("[" * 300 + "]" * 300 + "\n"),
    "minus minus": npy("-" * 9000 + "1\n"),
    "a name": npy("x\n"),
    "a number": npy("1" * 5000 + "\n"),
    "code": npy("__import__('os').system('false')\n"),
    "zip": b"PK\x03\x04" + bytes(50),
    "empty zip": b"PK\x05\x06" + bytes(18),
    "pickle": b"\x80\x04N.",
    "picture": b"P5 28 28 255",
    "nan": npy(described(), np.full(784, np.nan).tobytes()),
    "other features": npy(described(shape="(2,392)"), ROW),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_images_are_one_sentence(name, net_file, capsys, tmp_path):
    path = tmp_path / "scans.npy"
    path.write_bytes(BAD_ARRAYS[name])
    args = ["predict", "--load", net_file, "--images", path]
    said = assert_refused(args, capsys, codes=(1,))
    assert "scans.npy" in said or "DenseClassifier" in said


@pytest.mark.parametrize(
    "header",
    [described(), described(fortran="True"), described("'<f2'"), described("'|b1'")],
)
def test_images_of_every_good_kind_are_taken(header, net_file, capsys, tmp_path):
    (tmp_path / "scans.npy").write_bytes(npy(header, ROW))
    args = ["--load", str(net_file), "--images", str(tmp_path / "scans.npy")]
    assert main(["predict", *args]) == 0


def digits_arrays():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "y_train": np.arange(20, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    }


def npz(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            if isinstance(content, tuple):
                archive.writestr(*content)
            elif isinstance(content, np.ndarray):
                with archive.open(f"{name}.npy", "w") as file:
                    np.save(file, content)
            else:
                archive.writestr(name, content)
    return data.getvalue()


def with_member(name, content):
    members = {key: each for key, each in digits_arrays().items() if key != name}
    return npz(**members, **{name: content})


def bad_archives():
    yield from BAD_ARRAYS.items()
    yield "members that are no arrays", npz(**dict.fromkeys(digits_arrays(), b"bytes"))
    for name, content in BAD_ARRAYS.items():
        yield f"member: {name}", with_member("y_test", ("y_test.npy", content))
        yield f"no array: {name}", with_member("x_train", content)


BAD_ARCHIVES = dict(bad_archives())


# By name alone, as an archive holds the time it was made at: workers would collect
# others.
@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_bad_archives_are_one_sentence(name, capsys, tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(BAD_ARCHIVES[name])
    with pytest.raises(ValueError, match=r"^MNIST file '.*mnist\.npz' "):
        load_mnist(path)
    said = assert_refused(["fit", "--data", path], capsys, codes=(1,))
    assert "mnist.npz" in said


def idx(sizes, data=b"", kind=8):
    return (
        bytes([0, 0, kind, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + data
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "data",
    [
        idx([1] * 66, b"1"),
        idx([1] * 255, b"1"),
        idx([0] * 66),
        idx([0, *[2**32 - 1] * 3]),
        idx([2**32 - 1] * 60),
        idx([2**32 - 1] * 255),
        idx([]),
        b"\0\0\x08\xff",
        b"",
    ],
)
def test_idx_of_any_shape_is_read_or_one_sentence(data, pack, capsys, tmp_path):
    names = [name for pair in IDX_NAMES for name in pair]
    for name in names:
        (tmp_path / name).write_bytes(pack(data))
    with pytest.raises(ValueError, match=r"^MNIST file"):
        load_mnist(tmp_path)
    try:
        assert read_idx(tmp_path / names[0]).size == 0
    except ValueError as err:
        if not str(err).startswith("MNIST file"):
            raise
    assert names[0] in assert_refused(["fit", "--data", tmp_path], capsys)


# -- places ------------------------------------------------------------------------


def bad_places(folder):
    """Places where no file is, was or can be read or written."""
    places = {
        "empty": "",
        "nul": "a\0b",
        "long": "x" * 5000,
        "far": "../" * 2000 + "x",
        "below a file": folder / "file" / "x",
        "below a device": "/dev/null/x",
    }
    (folder / "file").write_text("mine")
    if os.name != "nt":
        places["loop"] = folder / "loop"
        places["loop"].symlink_to(places["loop"])
        places["below a loop"] = places["loop"] / "x"
    return places


PLACES = ["empty", "nul", "long", "far", "below a file"]
POSIX_PLACES = ["below a device", "loop", "below a loop"]
ALL_PLACES = [*PLACES, *(pytest.param(each, marks=posix) for each in POSIX_PLACES)]


@pytest.mark.parametrize("place", ALL_PLACES)
@pytest.mark.parametrize(
    "args",
    [
        ["search", *SMALL, *ONE, "--cv", "2", "--out"],
        ["search", *SMALL, *ONE, "--cv", "2", "--no-files", "--memory"],
        ["search", *ONE, "--no-files", "--data"],
        ["fit", *SMALL, *ONE, "--save"],
        ["fit", *SMALL, *ONE, "--memory"],
        ["fit", *ONE, "--data"],
        ["evaluate", "--dataset", "digits", "--load"],
        ["evaluate", "--load", "NET", "--data"],
        ["predict", "--dataset", "digits", "--load"],
        ["predict", "--load", "NET", "--data"],
        ["predict", "--load", "NET", "--images"],
        ["predict", "--load", "NET", "--dataset", "digits", "--out"],
        ["cache"],
        ["cache", "--clear"],
    ],
    ids=lambda args: " ".join(each for each in args if each not in (*SMALL, *ONE)),
)
def test_places_that_can_not_be_are_refused_first(
    args, place, net_file, capsys, tmp_path, no_training
):
    place = bad_places(tmp_path)[place]
    args = [str(net_file) if each == "NET" else each for each in args]
    assert_refused([*args, place], capsys)
    assert (tmp_path / "file").read_text() == "mine"


@posix
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_not_read(kind, net_file, capsys, tmp_path, no_training):
    place = {"pipe": tmp_path / "pipe", "device": "/dev/zero", "folder": tmp_path}[kind]
    os.mkfifo(tmp_path / "pipe")
    for args in (
        ["evaluate", "--dataset", "digits", "--load"],
        ["predict", "--dataset", "digits", "--load"],
        ["predict", "--load", net_file, "--images"],
        ["fit", *ONE, "--data"],
        *([["cache"]] if kind != "folder" else []),
    ):
        assert_refused([*args, place], capsys, codes=(1,))


@posix
@pytest.mark.parametrize("name", ["report.html", "best_params.json", "pivot.csv"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "loop"])
def test_a_result_that_can_not_be_written_is_refused_first(
    name, kind, capsys, tmp_path, no_training
):
    place = tmp_path / "out" / name
    place.parent.mkdir()
    {
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
        "loop": lambda: place.symlink_to(place),
    }[kind]()
    args = ["search", *SMALL, *ONE, "--out", tmp_path / "out", "--overwrite"]
    assert name in assert_refused(args, capsys, codes=(1,))


@posix
def test_paths_that_utf8_can_not_hold(capsys, tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this disk takes UTF-8 alone")
    data = folder / "mnist.npz"
    np.savez(data, **digits_arrays())
    out = folder / "out"
    args = ["search", *ONE, "--cv", "2", "--data", str(data), "--out", str(out)]
    assert main(args) == 0
    printed = capsys.readouterr().out
    assert "\\udcff" in printed
    assert "\\udcff" in (out / "report.html").read_text("utf-8")
    assert (out / "best_params.json").exists()
    net = str(folder / "net")
    assert main(["fit", *ONE, "--data", str(data), "--save", net]) == 0
    for command in ("evaluate", "predict"):
        assert main([command, "--load", net, "--data", str(data)]) == 0


@posix
def test_names_as_long_as_a_disk_takes(capsys, tmp_path):
    name = str(tmp_path / ("n" * 255))
    assert main(["fit", *SMALL, *ONE, "--save", name]) == 0
    sknn_mnist.load(name)
    capsys.readouterr()
    assert "n" * 255 in assert_refused(
        ["fit", *SMALL, *ONE, "--save", name + "n"], capsys, codes=(1,)
    )


# -- arguments ---------------------------------------------------------------------

HUGE = ["9" * 25, "9" * 400, "9" * 5000, "-5", "inf", "1e400", "\0", "\udcff"]


@pytest.mark.parametrize("value", HUGE, ids=lambda each: ascii(each[:25]))
@pytest.mark.parametrize(
    "option",
    ["--hidden-size", "--dropout", "--random-state", "--train-size", "--optimizer"],
)
def test_values_that_no_net_can_have(option, value, capsys):
    for args in (["fit"], ["search", "--no-files", "--cv", "2"]):
        if option == "--hidden-size" and args == ["search"]:
            continue
        code = main([*args, *SMALL, *ONE, option, value])
        printed = capsys.readouterr()
        assert code in (1, 2)
        assert "error: " in printed.err.splitlines()[-1]
        assert len(printed.err.splitlines()[-1]) < 7000


@pytest.mark.parametrize(
    ("variable", "args"),
    [
        ("SKNN_MNIST_MEMORY_LIMIT", ["cache", "."]),
        ("SKNN_MNIST_MEMORY_LIMIT", ["cache", ".", "--clear"]),
        ("SKNN_MNIST_MEMORY_LIMIT", ["search", *SMALL, *ONE, "--out", "out"]),
        ("SKNN_MNIST_MEMORY_LIMIT", ["fit", *SMALL, *ONE, "--memory", "out"]),
        ("SKNN_MNIST_DATA", ["fit", *ONE]),
        ("SKNN_MNIST_DATA", ["evaluate", "--load", "NET"]),
    ],
)
def test_environment_variables_that_say_nothing(
    variable, args, net_file, capsys, monkeypatch, no_training
):
    monkeypatch.setenv(variable, "~nobody/lots")
    args = [str(net_file) if each == "NET" else each for each in args]
    assert variable in assert_refused(args, capsys)


def test_states_of_another_age_are_shown(capsys, tmp_path):
    args = ["fit", *SMALL, *ONE, "--memory", str(tmp_path / "states")]
    assert main(args) == 0
    for path in (tmp_path / "states").rglob("*.safetensors"):
        os.utime(path, (10**11, 10**11))
    capsys.readouterr()
    assert main(["cache", str(tmp_path / "states")]) == 0
    assert "1 states of 1 trainings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("err", "said"),
    [
        (ValueError("one\n  two\t three"), "one two three"),
        (ValueError("{{function_node f}}no shape"), "no shape"),
        (ValueError("x" * 601), "x" * 600 + "..."),
        (ValueError("x" * 600), "x" * 600),
        (MemoryError(), "there is not enough memory for it"),
        (TypeError(), "TypeError"),
        (FileNotFoundError(2, "No such file", "a"), "a: no such file"),
    ],
    ids=["lines", "node", "long", "longest", "memory", "silent", "file"],
)
def test_an_error_is_one_sentence(err, said):
    assert sentence(err) == said


# -- outputs -----------------------------------------------------------------------


@posix
@pytest.mark.parametrize("args", [["datasets"], ["--help"], ["fit", "--help"]])
def test_an_output_that_takes_nothing(args):
    code = f"import sys; from sknn_mnist.cli import main; sys.exit(main({args!r}))"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for redirect, codes in ((">/dev/full", {1}), (">&-", {0}), ("| true", {0, 141})):
        shell = f'"{sys.executable}" -c "$CODE" {redirect}'
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", shell],
            env={**env, "CODE": code},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in codes, done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


def test_a_regressor_is_no_classifier(capsys, tmp_path):
    X, _, y, _ = load_digits28(return_X_y=True)
    DenseRegressor(hidden_size=2, epochs=1).fit(X[:60], y[:60]).save(tmp_path / "net")
    for command in ("evaluate", "predict"):
        args = [command, "--load", tmp_path / "net", "--dataset", "digits"]
        assert "holds no classifier" in assert_refused(args, capsys, codes=(1,))
