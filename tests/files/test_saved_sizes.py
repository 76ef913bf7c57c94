"""A saved file takes no more memory to load than its size is worth, and never waits."""

import io
import json
import os
import resource
import signal
import sys
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from own_networks import CASES
from safetensors import numpy as safetensors
from saved_parts import parts, write

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier, DenseRegressor
from sknn_mnist.datasets import load_mnist
from sknn_mnist.files._estimator_files import _digest

posix = pytest.mark.skipif(os.name == "nt", reason="files are those of POSIX")

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(40, 16)).astype(np.float32)
Y = np.arange(40) % 3

# A network of a function, with all that holds numbers; minutes of loads.
OWN = ("augmented",)

# Bytes that any load may take: imports, tracing, and what `_sizes` allows.
ALLOWED = 150 * 2**20


class Spent:
    """Memory that a block took: by Python and NumPy at most, by the process in all."""

    def __enter__(self):
        self.before = self._peak()
        tracemalloc.start()
        return self

    def __exit__(self, *_):
        self.traced = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        self.grown = self._peak() - self.before

    @staticmethod
    def _peak():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def assert_cheap(path):
    """Load it, or get one sentence; either way for little."""
    said = f"{path} said"
    with Spent() as spent:
        try:
            sknn_mnist.load(path)
        except ValueError as err:
            said = str(err)
    assert said.startswith(str(path))
    assert "\n" not in said
    assert len(said) < 1000
    assert spent.traced < ALLOWED
    assert spent.grown < ALLOWED


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Files of nets with all that holds numbers."""
    folder = tmp_path_factory.mktemp("saved")
    metrics = [keras.metrics.AUC(num_thresholds=20), keras.metrics.F1Score()]
    nets = {
        "dense": (
            DenseClassifier(
                hidden_size=(5, 4),
                epochs=1,
                optimizer=keras.optimizers.SGD(momentum=0.9),
                learning_rate=keras.optimizers.schedules.CosineDecay(0.1, 20),
                loss="categorical_crossentropy",
                metrics=metrics,
                callbacks=[{"class_name": "EarlyStopping", "config": {"patience": 5}}],
                class_weight={0: 1.0, 2: 3.0},
                random_state=3,
            ),
            Y,
        ),
        "cnn": (CNNClassifier(filters=(2, 3), hidden_size=(), epochs=1), Y == 1),
        "regressor": (DenseRegressor(hidden_size=3, epochs=1), np.c_[Y, -Y] * 1.0),
    }
    for name, (net, y) in nets.items():
        net.fit(X, y).save(folder / name)
    for name in OWN:
        CASES[name].fitted().save(folder / name)
    return folder


def places_of_numbers(value, place=()):
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places_of_numbers(each, (*place, name))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from places_of_numbers(each, (*place, at))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place


def put(about, place, value):
    for name in place[:-1]:
        about = about[name]
    about[place[-1]] = value


HUGE = [5 * 10**7, 10**12, 2**63, 10**400, -(10**12), 5e7, float("inf"), float("nan")]


@posix
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("dense", marks=pytest.mark.slow),
        pytest.param("cnn", marks=pytest.mark.slow),
        "regressor",
        *(pytest.param(each, marks=pytest.mark.slow) for each in OWN),
    ],
)
def test_any_number_may_be_huge(name, saved, tmp_path):
    about, arrays = parts(saved / name)
    places = list(places_of_numbers(about))
    assert len(places) > 15
    for number, place in enumerate(places):
        for value in {0: HUGE[0], 1: HUGE[1 + number % (len(HUGE) - 1)]}.values():
            forged = json.loads(json.dumps(about))
            put(forged, place, value)
            write(tmp_path / "net", forged, arrays)
            assert_cheap(tmp_path / "net")


def arguments_of_keras():
    """Whatever numbers Keras's objects take, with what they need besides."""
    given = {
        "num_classes": 3,
        "target_class_ids": {"tuple": [0]},
        **dict.fromkeys(("recall", "precision", "specificity", "sensitivity"), 0.5),
    }
    for module in (keras.metrics, keras.losses, keras.optimizers):
        for name, kind in sorted(vars(module).items()):
            if not isinstance(kind, type) or not hasattr(kind, "from_config"):
                continue
            arguments = kind.__init__.__code__.co_varnames[
                1 : kind.__init__.__code__.co_argcount
            ]
            for argument in arguments:
                config = {each: given[each] for each in arguments if each in given}
                yield (
                    f"keras.{module.__name__.rpartition('.')[2]}.{name}",
                    {**config, argument: 5 * 10**7},
                )


@posix
@pytest.mark.slow
def test_any_argument_of_any_object_of_keras_may_be_huge(saved, tmp_path):
    about, arrays = parts(saved / "dense")
    seen = set()
    for place, config in arguments_of_keras():
        parameter = {"losses": "loss", "optimizers": "optimizer"}.get(
            place.split(".")[1], "metrics"
        )
        value = {"object": [place, {"dict": [[k, v] for k, v in config.items()]}]}
        forged = json.loads(json.dumps(about))
        for part in ("parameters", "fitted_with"):
            for pair in forged[part]["dict"]:
                if pair[0] == parameter:
                    pair[1] = [value] if parameter == "metrics" else value
        write(tmp_path / "net", forged, arrays)
        assert_cheap(tmp_path / "net")
        seen.add(place)
    assert {"keras.metrics.AUC", "keras.metrics.MeanIoU"} <= seen


def one_of(metric, **config):
    return {
        "object": [
            f"keras.metrics.{metric}",
            {"dict": [[k, config[k]] for k in config]},
        ]
    }


def in_config(metric, **config):
    inner = {"dict": [[k, config[k]] for k in config]}
    return {"dict": [["class_name", metric], ["config", inner]]}


@posix
@pytest.mark.parametrize(
    "metrics",
    [
        one_of("AUC", num_thresholds=5 * 10**7),
        in_config("AUC", num_thresholds=5 * 10**7),
        [in_config("MeanIoU", num_classes=15_000)],
        {"tuple": [one_of("OneHotMeanIoU", num_classes=15_000)]},
        one_of("AUC", multi_label=True, num_labels=500_000),
        one_of("AUC", num_thresholds=30_000, multi_label=True, num_labels=30_000),
        one_of("AUC", thresholds=[0.5] * 3000, multi_label=True, num_labels=300_000),
        [one_of("MeanIoU", num_classes=1000)] * 500,
        ["AUC"] * 30_000,
        [{"name": "keras.metrics.AUC"}] * 30_000,
        [in_config("AUC")] * 10_000,
    ],
    ids=lambda each: json.dumps(each)[:60],
)
def test_metrics_of_gigabytes_are_refused(metrics, saved, tmp_path):
    about, arrays = parts(saved / "dense")
    for part in ("parameters", "fitted_with"):
        for pair in about[part]["dict"]:
            if pair[0] == "metrics":
                pair[1] = metrics
    write(tmp_path / "net", about, arrays)
    assert_cheap(tmp_path / "net")
    with pytest.raises(ValueError, match=r"MB for metrics, and 32 MB is what a file"):
        sknn_mnist.load(tmp_path / "net")


def labelled(values, dtype):
    """An estimator's description and arrays, as if fitted on so many labels."""
    n_classes = len(values)
    about_net = DenseClassifier(hidden_size=1, epochs=1, random_state=0)
    about_net.fit(X, Y)
    with tempfile.TemporaryDirectory() as folder:
        about_net.save(Path(folder, "net"))
        about, arrays = parts(Path(folder, "net"))
    about["targets"] = {
        "labels": {"dtype": dtype, "values": values},
        "matrix": False,
    }
    for name, each in arrays.items():
        if each.shape[-1:] == (3,) and not name.startswith("history"):
            arrays[name] = np.zeros((*each.shape[:-1], n_classes), each.dtype)
    return about, arrays


@posix
@pytest.mark.parametrize("kind", ["U", "S"])
def test_labels_take_the_room_they_need(kind, tmp_path):
    values = [f"{number:05d}" for number in range(3000)]
    about, arrays = labelled(values, f"{kind}16384")
    write(tmp_path / "net", about, arrays)
    assert_cheap(tmp_path / "net")
    net = sknn_mnist.load(tmp_path / "net")
    assert net.classes_.dtype == np.array(values, dtype=kind).dtype
    # One long label would make all of them long.
    about, arrays = labelled([*values, "x" * 16_000], f"{kind}16000")
    write(tmp_path / "net", about, arrays)
    assert_cheap(tmp_path / "net")
    with pytest.raises(ValueError, match=r"3,001 labels of up to 16,000 characters"):
        sknn_mnist.load(tmp_path / "net")


def test_wide_labels_come_back_narrow_and_the_same(tmp_path):
    labels = np.array(["a", "bé", "c"], dtype="<U3000")[Y]
    net = DenseClassifier(epochs=1, random_state=0).fit(X, labels)
    net.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.classes_.dtype == "<U2"


@pytest.mark.parametrize(
    ("parameters", "labels", "message"),
    [
        ({"callbacks": "TensorBoard"}, Y, "callbacks='TensorBoard'"),
        ({"callbacks": ["RemoteMonitor"]}, Y, "not 'RemoteMonitor'"),
        ({"callbacks": (keras.callbacks.ModelCheckpoint,)}, Y, "callbacks="),
        (
            {"metrics": [keras.metrics.MeanIoU(num_classes=15_000)]},
            Y,
            "15,000|MB for metrics",
        ),
        ({"metrics": ["accuracy"] * 600}, Y, "38 MB for metrics"),
        ({}, np.array(["a", "b" * 20_000, "c"])[Y], "a label of 20,000 characters"),
    ],
    ids=["string", "list", "tuple of a class", "classes", "many", "long label"],
)
def test_what_load_refuses_save_refuses(parameters, labels, message, tmp_path):
    net = DenseClassifier(epochs=1, random_state=0).fit(X, labels)
    net.set_params(**parameters)
    with pytest.raises(TypeError, match=message) as caught:
        net.save(tmp_path / "net")
    assert "save can't write" in str(caught.value)
    assert not list(tmp_path.iterdir())


CALLING_OUT = [
    "TensorBoard",
    "RemoteMonitor",
    "ModelCheckpoint",
    "CSVLogger",
    "BackupAndRestore",
    "LambdaCallback",
    "LearningRateScheduler",
    "History",
    "get",
    "__doc__",
]


@pytest.mark.parametrize("name", CALLING_OUT)
@pytest.mark.parametrize(
    "form",
    [
        lambda name: name,
        lambda name: [name],
        lambda name: {"tuple": ["EarlyStopping", name]},
        lambda name: [[name]],
        lambda name: {"name": f"keras.callbacks.{name}"},
        lambda name: {"dict": [["class_name", name], ["config", {"dict": []}]]},
        lambda name: [{"dict": [["class_name", name]]}],
        lambda name: {"dict": [["callback", name]]},
        lambda name: {"object": [f"keras.callbacks.{name}", {"dict": []}]},
    ],
    ids=[
        "string",
        "list",
        "tuple",
        "deep",
        "class",
        "config",
        "in list",
        "dict",
        "made",
    ],
)
def test_a_file_names_no_callback_that_writes_or_calls_out(
    name, form, saved, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    about, arrays = parts(saved / "dense")
    (pair,) = (each for each in about["parameters"]["dict"] if each[0] == "callbacks")
    pair[1] = form(name)
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match="can't be loaded as an estimator"):
        sknn_mnist.load(tmp_path / "net")
    assert [each.name for each in tmp_path.iterdir()] == ["net"]


def test_the_few_callbacks_that_may_be_are_loaded(saved, tmp_path):
    about, arrays = parts(saved / "dense")
    (pair,) = (each for each in about["parameters"]["dict"] if each[0] == "callbacks")
    early = {"class_name": "EarlyStopping", "config": {"patience": 5}}
    for stored, value in [
        ("TerminateOnNaN", "TerminateOnNaN"),
        ({"tuple": ["ReduceLROnPlateau"]}, ("ReduceLROnPlateau",)),
        (
            {"name": "keras.callbacks.EarlyStopping"},
            keras.callbacks.EarlyStopping,
        ),
        (
            {
                "dict": [
                    ["class_name", "EarlyStopping"],
                    ["config", {"dict": [["patience", 5]]}],
                ]
            },
            early,
        ),
    ]:
        pair[1] = stored
        write(tmp_path / "net", about, arrays)
        assert sknn_mnist.load(tmp_path / "net").callbacks == value


def deep(opening, closing, depth):
    return opening * depth + "1" + closing * depth


@posix
@pytest.mark.parametrize(
    "text",
    [
        deep("[", "]", 500),
        deep('{"a":', "}", 500),
        deep("[", "]", 2_000_000),
        '{"format": 1, "a": ' + deep('["\\"", ', "]", 200_000) + "}",
        '"\\"' * 300_000,
        '"' * 300_000,
        "\\" * 300_000,
    ],
    ids=["lists", "dicts", "very", "quotes", "unfinished", "all quotes", "slashes"],
)
def test_json_that_is_deep_or_odd_is_refused_at_once(text, tmp_path):
    metadata = {"sknn_mnist": text, "sha256": _digest(text, {"a": X})}
    (tmp_path / "net").write_bytes(safetensors.save({"a": X}, metadata=metadata))
    with soon():
        assert_cheap(tmp_path / "net")
        with pytest.raises(ValueError, match="can't be loaded"):
            sknn_mnist.load(tmp_path / "net")


@posix
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0" * 8,
        (2**63).to_bytes(8, "little"),
        (10**8).to_bytes(8, "little") + b"{}",
        (10**12).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"\xff\xff",
        *(
            len(text).to_bytes(8, "little") + text
            for text in (
                b'{"a":{"dtype":"F32","shape":[1000000000000],'
                b'"data_offsets":[0,4000000000000]}}',
                b'{"a":{"dtype":"F32","shape":[0,1000000000000],"data_offsets":[0,0]}}',
                b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e300]}}',
                b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[-8,-4]}}',
                b'{"a":{"dtype":"Q99","shape":[],"data_offsets":[0,0]}}',
                b'{"__metadata__":[],"a":{"dtype":"F32","shape":[0],'
                b'"data_offsets":[0,0]}}',
                b'{"a":1}',
            )
        ),
    ],
)
def test_headers_that_tell_of_more_than_there_is(head, tmp_path):
    (tmp_path / "net").write_bytes(head)
    assert_cheap(tmp_path / "net")
    with pytest.raises(ValueError, match="can't be loaded as an estimator"):
        sknn_mnist.load(tmp_path / "net")


@posix
def test_a_history_of_no_columns_has_as_many_rows_as_there_are_epochs(saved, tmp_path):
    about, arrays = parts(saved / "dense")
    arrays["history/1"] = np.zeros((10**12, 0))
    write(tmp_path / "net", about, arrays)
    with soon():
        assert_cheap(tmp_path / "net")
        with pytest.raises(ValueError, match="not one value per epoch"):
            sknn_mnist.load(tmp_path / "net")


# -- what is no file ---------------------------------------------------------------


class soon:  # noqa: N801, a with statement of its own
    """Fail where the block waits for somebody."""

    def __enter__(self):
        self.before = signal.signal(signal.SIGALRM, self.late)
        signal.alarm(60)

    def __exit__(self, *_):
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self.before)

    @staticmethod
    def late(*_):
        pytest.fail("it waits")


def no_files(folder):
    pipe, loop, far = folder / "pipe", folder / "loop", folder / "far"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    far.symlink_to(pipe)
    return [
        *(pipe, far, loop, folder, folder / "none", folder / "none" / "none"),
        *("/dev/zero", "/dev/tty", "/dev/null", "a\0b", "x" * 5000, ""),
    ]


@posix
def test_what_is_no_file_is_refused_at_once(tmp_path):
    for place in no_files(tmp_path):
        for given in (place, os.fspath(place)):
            with soon(), pytest.raises(OSError, match=r"\S"):
                sknn_mnist.load(given)
            with soon(), pytest.raises(OSError, match=r"\S"):
                load_mnist(given)


# -- open files --------------------------------------------------------------------


def test_open_files_are_written_and_read_as_numpy_does(tmp_path):
    nets = [
        DenseClassifier(hidden_size=n, epochs=1, random_state=0).fit(X, Y)
        for n in (2, 3)
    ]
    with (tmp_path / "two").open("wb", buffering=0) as file:
        file.write(b"head")
        for net in nets:
            assert net.save(file) is None
        assert not file.closed
    nets[0].save(tmp_path / "one")
    assert (tmp_path / "two").read_bytes().startswith(b"head")
    with (tmp_path / "two").open("rb") as file:
        file.read(4)
        for net in nets:
            again = sknn_mnist.load(file)
            np.testing.assert_array_equal(again.predict(X), net.predict(X))
        with pytest.raises(ValueError, match=r"two can't be loaded .* ends too soon"):
            sknn_mnist.load(file)
    with pytest.raises(ValueError, match=r"there is more in it|no safetensors"):
        sknn_mnist.load(tmp_path / "two")
    (tmp_path / "more").write_bytes((tmp_path / "one").read_bytes() + b"\0")
    with pytest.raises(ValueError, match="there is more in it"):
        sknn_mnist.load(tmp_path / "more")


def test_files_in_memory_and_in_archives(tmp_path):
    net = DenseClassifier(epochs=1, random_state=0).fit(X, Y)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive, archive.open("net", "w") as file:
        net.save(file)
    with zipfile.ZipFile(memory) as archive, archive.open("net") as file:
        again = sknn_mnist.load(file)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    with pytest.raises(ValueError, match="BytesIO can't be loaded"):
        sknn_mnist.load(io.BytesIO(b"PK"))


@pytest.mark.parametrize("place", [None, 3, ["net"], io.StringIO()])
def test_what_is_neither_a_path_nor_a_binary_file(place):
    net = DenseClassifier(epochs=1, random_state=0).fit(X, Y)
    allowed = "must be a path or a file open in binary mode"
    with pytest.raises(TypeError, match=rf"'path' parameter of load {allowed}"):
        sknn_mnist.load(place)
    with pytest.raises(TypeError, match=rf"'path' parameter of save {allowed}"):
        net.save(place)
