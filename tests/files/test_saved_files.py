"""What `save` writes, `load` reads; anything else is refused, and runs nothing."""

import io
import json
import pickle
import re
import zipfile

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from safetensors import numpy as safetensors
from safetensors import safe_open
from saved_parts import parts, write
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import sknn_mnist
from sknn_mnist import CNNClassifier, CNNRegressor, DenseClassifier, DenseRegressor

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(40, 16)).astype(np.float32)
Y = np.arange(40) % 3
DAYS = np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[D]")

FITTED = {
    "dense": (DenseClassifier(epochs=2), Y),
    "strings": (DenseClassifier(epochs=1), np.array(["a", "bé", "c"])[Y]),
    "objects": (DenseClassifier(epochs=1), np.array(["a", "b", "c"], dtype=object)[Y]),
    "bools": (DenseClassifier(epochs=1), Y == 1),
    "floats": (DenseClassifier(epochs=1), Y * 1.0),
    "multilabel": (DenseClassifier(epochs=1), np.eye(3, dtype=int)[Y]),
    "one-hot": (
        DenseClassifier(epochs=1, loss="categorical_crossentropy", metrics=["AUC"]),
        np.eye(3, dtype=int)[Y],
    ),
    "batch norm": (
        CNNClassifier(filters=(2, 3), batch_norm=True, dropout=0.3, epochs=2),
        Y,
    ),
    "no hidden layer": (CNNRegressor(filters=2, hidden_size=(), epochs=1), Y * 1.0),
    "outputs": (DenseRegressor(hidden_size=[4, 3], epochs=1), np.c_[Y, -Y]),
    "float64": (DenseRegressor(dtype="float64", epochs=1), Y * 1.0),
    "keras objects": (
        DenseClassifier(
            epochs=2,
            optimizer=keras.optimizers.SGD(momentum=0.9, clipnorm=1.0),
            learning_rate=keras.optimizers.schedules.CosineDecay(0.1, 20),
            loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=7),
            metrics=[keras.metrics.SparseTopKCategoricalAccuracy(k=2), "accuracy"],
            activation=keras.activations.tanh,
            callbacks="EarlyStopping",
            class_weight={0: 1.0, 2: 3.0},
        ),
        Y,
    ),
    "validation": (
        DenseClassifier(
            epochs=3,
            validation_split=0.2,
            optimizer=keras.optimizers.AdamW,
            callbacks=[{"class_name": "EarlyStopping", "config": {"patience": 5}}],
        ),
        Y,
    ),
}


@pytest.mark.parametrize("name", FITTED)
def test_an_estimator_comes_back_as_it_was(name, tmp_path):
    estimator, y = FITTED[name]
    estimator = fresh(estimator).fit(X, y)
    path = tmp_path / "net.safetensors"
    assert estimator.save(path) is None
    again = sknn_mnist.load(path)
    assert type(again) is type(estimator)
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    assert again.predict(X).dtype == estimator.predict(X).dtype
    addresses = r" at 0x\w+"
    assert re.sub(addresses, "", repr(again)) == re.sub(addresses, "", repr(estimator))
    assert again.history_ == estimator.history_
    assert again.n_features_in_ == 16
    if hasattr(estimator, "classes_"):
        np.testing.assert_array_equal(again.classes_, estimator.classes_)
        assert again.classes_.dtype == estimator.classes_.dtype
    # Optimizer, seeds, batch-norm statistics and history go on to the bit.
    for each in (again, estimator):
        each.set_params(callbacks=None).partial_fit(X, y)
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    assert again.history_ == estimator.history_
    for one, other in zip(
        again.model_.get_weights(), estimator.model_.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def fresh(estimator):
    return clone(estimator).set_params(random_state=0)


def test_labels_that_are_dates(tmp_path):
    clf = DenseClassifier(epochs=1, random_state=0)
    try:
        clf.fit(X, DAYS[Y])
    except ValueError:
        pytest.skip("this scikit-learn takes no dates as labels")
    clf.save(tmp_path / "net")
    assert sknn_mnist.load(tmp_path / "net").classes_.dtype == DAYS.dtype


def test_feature_names_and_changed_parameters(tmp_path):
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(16)])
    clf = DenseClassifier(
        epochs=1, random_state=np.random.RandomState(3), memory=tmp_path / "states"
    )
    clf.fit(frame, Y)
    clf.set_params(epochs=7, hidden_size=(8, 8))  # for the next fit
    clf.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    assert list(again.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(again.predict(frame), clf.predict(frame))
    assert (again.epochs, again.hidden_size, again.memory) == (7, (8, 8), None)
    clf.set_params(memory=None)
    np.testing.assert_array_equal(  # the generator goes on where it was
        again.fit(frame, Y).predict_proba(frame), clf.fit(frame, Y).predict_proba(frame)
    )
    with pytest.raises(ValueError, match="feature names"):
        again.predict(frame[frame.columns[::-1]])


def test_a_network_that_its_holder_compiled_anew(tmp_path):
    clf = DenseClassifier(epochs=1, random_state=0).fit(X, Y)
    clf.model_.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    clf.model_.fit(X, Y, verbose=0)
    clf.save(tmp_path / "net")
    again = sknn_mnist.load(tmp_path / "net")
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_versions_are_there_for_any_reader_of_safetensors(tmp_path):
    DenseClassifier(epochs=1).fit(X, Y).save(tmp_path / "net")
    with safe_open(tmp_path / "net", framework="numpy") as file:
        about = json.loads(file.metadata()["sknn_mnist"])
    assert about["versions"]["keras"] == keras.__version__
    assert about["estimator"] == "DenseClassifier"


class Own(DenseClassifier):
    pass


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (DenseClassifier(), NotFittedError, "not fitted"),
        (Own(epochs=1), TypeError, "save can't write a Own"),
        (
            DenseClassifier(epochs=1, callbacks=keras.callbacks.EarlyStopping("loss")),
            TypeError,
            "callbacks=.*is an object; give its name, class or config",
        ),
        (DenseClassifier(epochs=1, activation=lambda x: x), TypeError, "activation="),
        (
            DenseClassifier(
                epochs=1,
                callbacks={"class_name": "CSVLogger", "config": {"filename": "log"}},
            ),
            TypeError,
            "CSVLogger",
        ),
        (
            DenseClassifier(epochs=1, metrics=[lambda y, p: keras.ops.mean(p)]),
            TypeError,
            "metrics=",
        ),
    ],
)
def test_what_can_not_be_saved_is_said(
    estimator, error, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if error is not NotFittedError:
        estimator.fit(X, Y)
    with pytest.raises(error, match="(?s)" + message):
        estimator.save(tmp_path / "net")
    assert not (tmp_path / "net").exists()


def test_a_failed_save_leaves_the_file_before(tmp_path):
    path = tmp_path / "net"
    clf = DenseClassifier(epochs=1, random_state=0).fit(X, Y)
    clf.save(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        clf.set_params(activation=lambda x: x).save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["net"]
    with pytest.raises(OSError, match="nowhere"):
        clf.set_params(activation="relu").save(tmp_path / "nowhere" / "net")


# -- hostile files ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "net"
    clf = DenseClassifier(
        hidden_size=(5, 4), epochs=1, random_state=0, learning_rate=0.1
    )
    clf.fit(X, Y).save(path)
    return path


@pytest.fixture(scope="module")
def saved_cnn(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "cnn"
    CNNClassifier(filters=2, hidden_size=4, epochs=1).fit(X, Y).save(path)
    return path


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('the file ran code')",)


def foreign_files():
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.py", "raise SystemExit")
        archive.writestr("config.json", b"0" * 10_000_000)
    dumped = io.BytesIO()
    joblib.dump(Bomb(), dumped)
    return {
        "empty": b"",
        "text": b"hello",
        "pickle": pickle.dumps(Bomb()),
        "joblib": dumped.getvalue(),
        "zip": zipped.getvalue(),
        "other safetensors": safetensors.save({"a": X}),
        "no json": safetensors.save({"a": X}, metadata={"sknn_mnist": "{"}),
        "no object": safetensors.save({"a": X}, metadata={"sknn_mnist": "[1]"}),
        "deep json": safetensors.save({"a": X}, metadata={"sknn_mnist": "[" * 100_000}),
        # A header that tells of 8 exabytes.
        "huge header": b"\xff" * 7 + b"\x7f" + b"{}",
        "huge array": (40).to_bytes(8, "little")
        + b'{"a":{"dtype":"F32","shape":[99999999999',
    }


@pytest.mark.parametrize("name", foreign_files())
def test_foreign_files_are_refused_in_one_sentence(name, tmp_path):
    path = tmp_path / "net"
    path.write_bytes(foreign_files()[name])
    with pytest.raises(ValueError, match="can't be loaded as an estimator that") as err:
        sknn_mnist.load(path)
    assert str(path) in str(err.value)


def test_keras_archives_are_refused(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(ValueError, match="no safetensors file"):
        sknn_mnist.load(tmp_path / "net.keras")


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        sknn_mnist.load(tmp_path / "nowhere")
    with pytest.raises(OSError, match="directory"):
        sknn_mnist.load(tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_torn_and_flipped_files_are_refused(seed, saved, tmp_path):
    rng = np.random.default_rng(seed)
    data = bytearray(saved.read_bytes())
    place = int(rng.integers(len(data)))
    if seed % 2:
        data[place] ^= 1 << int(rng.integers(8))
    else:
        del data[place:]
    (tmp_path / "net").write_bytes(data)
    with pytest.raises(ValueError, match="can't be loaded"):
        sknn_mnist.load(tmp_path / "net")


def edit(**changes):
    def change(about, arrays):
        about.update(changes)

    return change


def edit_parameter(name, value, part="fitted_with"):
    def change(about, arrays):
        for pair in about[part]["dict"]:
            if pair[0] == name:
                pair[1] = value

    return change


def swap_weights(about, arrays):
    arrays["network/0"], arrays["network/2"] = arrays["network/2"], arrays["network/0"]


def not_finite(about, arrays):
    arrays["network/0"] = np.full_like(arrays["network/0"], np.nan)


def in_json(value):
    if isinstance(value, dict):
        return {"dict": [[name, in_json(each)] for name, each in value.items()]}
    return value


SYSTEM = {"module": "os", "class_name": "system", "config": {"command": "false"}}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
GET_FILE = {"module": "keras.utils", "class_name": "get_file", "config": {}}
ATTACKS = {
    "later format": (edit(format=3), "reads 1 and 2"),
    "format of another estimator": (edit(format=2), "has not the format 2"),
    "format of another kind": (edit(format="1"), "has the format '1'"),
    "another class": (edit(estimator="Pipeline"), "Pipeline"),
    "class by path": (edit(estimator="os.system"), "os.system"),
    "no seed": (edit(seed=None), "None is not an int"),
    "negative seed": (edit(seed=-1), "-1 is not an int"),
    "no history": (edit(history=[]), "no loss"),
    "missing arrays": (edit(state={"network": 99}), "network/6"),
    "arrays of nothing": (
        edit(state={"network": 6, "other": 0}),
        "unexpected arrays",
    ),
    "swapped weights": (swap_weights, "not those of its network"),
    "weights that are not finite": (not_finite, "not finite"),
    "huge layer": (edit_parameter("hidden_size", {"tuple": [10**9, 4]}), "not those"),
    "many layers": (
        edit_parameter("hidden_size", {"tuple": [4] * 100_000}),
        "more layers than arrays",
    ),
    "huge int": (edit_parameter("hidden_size", 10**400), "can't be loaded"),
    "many features": (
        edit(features={"number": 10**12, "names": [], "image_shape": None}),
        "not those of its network",
    ),
    "feature names": (
        edit(features={"number": 16, "names": ["a"], "image_shape": None}),
        "feature names",
    ),
    "many classes": (
        edit(targets={"labels": {"dtype": "<i8", "values": [1, 2]}, "matrix": False}),
        "not those of its network",
    ),
    "labels of objects": (
        edit(targets={"labels": {"dtype": "O", "values": [{}]}, "matrix": False}),
        "labels must be",
    ),
    "random state beyond its end": (
        edit_parameter(
            "random_state",
            {"random_state": ["MT19937", [1] * 624, 10**9, 0, 0.0]},
            part="parameters",
        ),
        "random state",
    ),
    "random state of another kind": (
        edit_parameter(
            "random_state", {"random_state": ["PCG64", [1], 0, 0, 0]}, part="parameters"
        ),
        "random state",
    ),
    "layer of more than memory": (
        edit_parameter("hidden_size", {"tuple": [2**61, 4]}),
        "can't be loaded",
    ),
    "layer beyond int64": (
        edit_parameter("hidden_size", {"tuple": [2**80, 4]}),
        "can't be loaded",
    ),
    "unknown parameter": (
        edit(parameters={"dict": [["__class__", 1]]}),
        "no parameters",
    ),
    "parameter out of range": (edit_parameter("dropout", 7.0), "'dropout' parameter"),
    "parameters that are none": (edit(parameters=[]), "can't be loaded"),
    "optimizer of os": (
        edit_parameter("optimizer", {"name": "os.system"}),
        "os.system",
    ),
    "optimizer by hidden name": (
        edit_parameter("optimizer", {"name": "keras.optimizers.get"}),
        "is not one of Keras's",
    ),
    "object of a function": (
        edit_parameter(
            "optimizer", {"object": ["keras.activations.relu", {"dict": []}]}
        ),
        "is not a class of Keras objects",
    ),
    "another kind of value": (
        edit_parameter("optimizer", {"pickle": "gASV"}),
        "unknown value type",
    ),
    "config of os": (
        edit_parameter("optimizer", in_json(SYSTEM)),
        "os.system",
    ),
    "config of a lambda layer": (
        edit_parameter("activation", in_json(LAMBDA)),
        "Lambda",
    ),
    "schedule that downloads": (
        edit_parameter("learning_rate", in_json(GET_FILE)),
        "get_file",
    ),
    "config within a config": (
        edit_parameter(
            "optimizer",
            {
                "object": [
                    "keras.optimizers.Adam",
                    in_json({"learning_rate": SYSTEM}),
                ]
            },
        ),
        "os.system",
    ),
    "callback that writes files": (
        edit_parameter(
            "callbacks",
            in_json({"class_name": "CSVLogger", "config": {"filename": "evil"}}),
            part="parameters",
        ),
        "CSVLogger",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_forged_files_are_refused_and_run_nothing(name, saved, tmp_path, monkeypatch):
    change, message = ATTACKS[name]
    monkeypatch.chdir(tmp_path)
    about, arrays = parts(saved)
    change(about, arrays)
    path = tmp_path / "net"
    write(path, about, arrays)
    with pytest.raises(ValueError, match="can't be loaded as an estimator") as caught:
        sknn_mnist.load(path)
    assert message in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["net"]


def test_an_image_shape_that_is_not_that_of_the_features(saved_cnn, tmp_path):
    about, arrays = parts(saved_cnn)
    about["features"]["image_shape"] = [100_000, 100_000, 1]
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match="image shape"):
        sknn_mnist.load(tmp_path / "net")
    about["features"]["number"] = 10**10
    write(tmp_path / "net", about, arrays)
    with pytest.raises(ValueError, match="not those of its network"):
        sknn_mnist.load(tmp_path / "net")


def test_the_memory_is_never_taken_from_a_file(saved, tmp_path):
    about, arrays = parts(saved)
    about["parameters"]["dict"].append(["memory", "evil"])
    write(tmp_path / "net", about, arrays)
    assert sknn_mnist.load(tmp_path / "net").memory is None


def test_it_is_a_method_of_this_package_alone():
    assert not hasattr(LogisticRegression(), "save")
