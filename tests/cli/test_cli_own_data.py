"""Images of one's own by `--data`: searched, fitted, evaluated, predicted."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from own_images import NAMES, SHAPE, bars, write_folder, write_table
from PIL import Image

import sknn_mnist
from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.cli import main
from sknn_mnist.datasets import load_images

DENSE = ["--hidden-size", "8", "--epochs", "12", "--learning-rate", "0.01"]
CNN = ["--model", "cnn", "--filters", "4", *DENSE[2:]]
QUICK = ["--hidden-size", "4", "--epochs", "1"]


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """A folder of its own, and no MNIST at hand."""
    monkeypatch.delenv("SKNN_MNIST_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(alone):
    return write_folder(alone / "bars", *bars(90))


def said(capsys, *args):
    """Return what a command prints, and what it says of what is going on."""
    assert main([*map(str, args)]) == 0, capsys.readouterr().err
    return capsys.readouterr()


def refusal(capsys, *args, code=1):
    assert main([*map(str, args)]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    last = printed.err.splitlines()[-1]
    assert last.startswith("sknn-mnist")
    return last


def table(printed):
    return list(csv.DictReader(io.StringIO(printed.out)))


def accuracy(printed):
    return float(re.search(r"test accuracy: (\S+)", printed.out)[1])


# -- every form of data ------------------------------------------------------------


def arrays_of_parts():
    X, y = bars(90)
    return {"x_train": X[:72], "y_train": y[:72], "x_test": X[72:], "y_test": y[72:]}


def write_npz(alone):
    np.savez(alone / "bars.npz", **arrays_of_parts())
    return "bars.npz", []


def write_npy_pair(alone):
    (alone / "arrays").mkdir()
    X, y = bars(90)
    np.save(alone / "arrays" / "X.npy", X)
    np.save(alone / "arrays" / "y.npy", np.array(NAMES)[y])
    return "arrays", []


def write_csv(alone):
    write_table(alone / "bars.csv", *bars(90))
    return "bars.csv", ["--target", "kind"]


def write_parts(alone):
    X, y = bars(90)
    write_folder(alone / "parts" / "train", X[:72], y[:72])
    write_folder(alone / "parts" / "test", X[72:], y[72:], ending=".bmp")
    return "parts", []


def write_two_folders(alone):
    X, y = bars(90)
    write_folder(alone / "one", X[:72], y[:72])
    write_table(alone / "two.csv", X[72:], y[72:], column="label")
    return "one", ["--test-data", "two.csv"]


def write_images(alone):
    write_folder(alone / "images", *bars(90))
    return "images", ["--test-size", "0.2"]


FORMS = [
    *(write_npz, write_npy_pair, write_csv, write_parts, write_two_folders),
    write_images,
]


@pytest.mark.parametrize("write", FORMS, ids=lambda write: write.__name__)
def test_every_command_takes_every_form(write, alone, capsys):
    path, options = write(alone)
    data = ["--data", path, *options]
    fitted = said(capsys, "fit", *data, *DENSE, "--save", "net")
    assert accuracy(fitted) > 0.6
    assert fitted.err.startswith("data: ")
    assert "72 training rows, 18 test rows" in fitted.err
    assert "scale:" not in fitted.err  # the net sees to it
    evaluated = said(capsys, "evaluate", "--load", "net", *data)
    assert accuracy(evaluated) == accuracy(fitted)
    predicted = said(capsys, "predict", "--load", "net", *data)
    rows = table(predicted)
    of_files = write in (write_parts, write_images)
    names = ["name"] if of_files else []
    assert [*rows[0]] == ["index", *names, "prediction", "probability", "label"]
    if of_files:
        assert all(f"/{row['label']}/" in f"/{row['name']}" for row in rows)
    right = np.mean([row["prediction"] == row["label"] for row in rows])
    assert right == pytest.approx(accuracy(fitted), abs=5e-5)
    labels = {row["label"] for row in rows}
    assert labels == ({"0", "1", "2"} if write is write_npz else set(NAMES))
    assert all(f" {label} " in evaluated.out for label in labels)
    net = sknn_mnist.load("net")
    assert net.classes_.tolist() == sorted(net.classes_.tolist())
    assert {str(each) for each in net.classes_.tolist()} == labels
    out = said(capsys, "search", *data, *QUICK, "--cv", "2", "--no-files").out
    assert "(on 18 rows of" in out


@pytest.mark.parametrize("options", [DENSE, CNN], ids=["dense", "cnn"])
def test_a_net_is_that_of_the_same_rows_in_python(options, folder, capsys):
    fitted = said(capsys, "fit", "--data", folder, *options, "--save", "net")
    net = sknn_mnist.load("net")
    data = load_images(folder)
    names = data.target_names
    if options is CNN:
        own = CNNClassifier(filters=4, epochs=12, learning_rate=0.01, random_state=0)
        X, X_test = data.X_train, data.X_test
        assert net.image_shape_ == (*SHAPE, 1)
    else:
        own = DenseClassifier(
            hidden_size=8, epochs=12, learning_rate=0.01, random_state=0
        )
        X, X_test = (
            each.reshape(len(each), -1) for each in (data.X_train, data.X_test)
        )
    own.fit(X, names[data.y_train])
    np.testing.assert_array_equal(net.predict_proba(X_test), own.predict_proba(X_test))
    right = own.score(X_test, names[data.y_test])
    assert f"test accuracy: {right:.4f}" in fitted.out
    predicted = table(said(capsys, "predict", "--load", "net", "--data", folder))
    assert [row["prediction"] for row in predicted] == own.predict(X_test).tolist()
    assert [row["label"] for row in predicted] == names[data.y_test].tolist()


def test_names_that_are_ints_are_ints(alone, capsys):
    write_folder(alone / "bars", *bars(60), names=("2", "10", "-3"))
    said(capsys, "fit", "--data", "bars", *QUICK, "--save", "net")
    assert sknn_mnist.load("net").classes_.tolist() == [-3, 2, 10]
    write_folder(alone / "zeros", *bars(60), names=("02", "10", "3"))
    said(capsys, "fit", "--data", "zeros", *QUICK, "--save", "net")
    assert sknn_mnist.load("net").classes_.tolist() == ["02", "10", "3"]


def test_images_of_several_sizes_are_resized_when_asked(folder, capsys):
    X, _ = bars(3, shape=(20, 30))
    for name, image in zip(NAMES, X, strict=True):
        Image.fromarray(image).save(folder / name / "large.png")
    line = refusal(capsys, "fit", "--data", folder, *QUICK)
    assert "12×12 (90" in line
    assert "20×30 (3" in line
    assert line.endswith("(here: --image-size HEIGHTxWIDTH)")
    for number in range(3, 90):  # sizes that no message can hold
        image = Image.fromarray(X[0]).resize((number, 9))
        image.save(folder / "pole" / f"{number}.png")
    line = refusal(capsys, "fit", "--data", folder, *QUICK)
    assert line.endswith("... (here: --image-size HEIGHTxWIDTH)")
    options = ["--data", folder, "--image-size", "10x14x3"]
    said(capsys, "fit", *options, *CNN[:-3], "1", "--save", "net")
    assert sknn_mnist.load("net").image_shape_ == (10, 14, 3)
    # A net of images knows their size, without being told.
    printed = said(capsys, "evaluate", "--load", "net", "--data", folder)
    assert printed.out == said(capsys, "evaluate", "--load", "net", *options).out


def test_training_rows_are_drawn_from_all_classes(folder, alone, capsys):
    X, y = bars(90)
    order = np.argsort(y, kind="stable")
    write_folder(alone / "parts" / "train", X[order], y[order])
    write_folder(alone / "parts" / "test", X[:6], y[:6])
    options = ["--data", "parts", "--train-size", "30"]
    said(capsys, "fit", *options, *QUICK, "--save", "net")
    assert sknn_mnist.load("net").classes_.tolist() == list(NAMES)
    printed = said(
        capsys, "fit", "--data", "parts", *DENSE, "--validation-split", "0.2"
    )
    last = printed.out.splitlines()[13]
    assert float(last.split("|")[5]) > 0.5, last  # 18 rows of one class it would not


def test_the_same_rows_are_held_out_by_every_command(folder, capsys):
    said(capsys, "fit", "--data", folder, *QUICK, "--save", "net")
    said(capsys, "fit", "--data", folder, *QUICK, "--random-state", "5")
    first, second = (
        table(said(capsys, "predict", "--load", "net", "--data", folder))
        for _ in range(2)
    )
    assert first == second
    assert [row["label"] for row in first] == [
        NAMES[code] for code in load_images(folder).y_test
    ]


def test_test_data_alone_are_all_tested(folder, alone, capsys):
    said(capsys, "fit", "--data", folder, *DENSE, "--save", "net")
    X, y = bars(30, seed=1)
    write_folder(alone / "new", X[y < 2], y[y < 2])  # some of the classes
    printed = said(capsys, "evaluate", "--load", "net", "--test-data", "new")
    net = sknn_mnist.load("net")
    right = net.score(X[y < 2].reshape(-1, 144), np.array(NAMES)[y[y < 2]])
    assert printed.out.startswith(f"test accuracy: {right:.4f} (on 20 rows of new)")
    assert (
        len(table(said(capsys, "predict", "--load", "net", "--test-data", "new"))) == 20
    )
    write_folder(alone / "others", X, y, names=("a", "b", "c"))
    line = refusal(capsys, "evaluate", "--load", "net", "--test-data", "others")
    assert (
        "does not have: 'cross', 'dash', 'pole'; its labels are 'a', 'b', 'c'" in line
    )


# -- the scale of pixels -----------------------------------------------------------


def nets_of_every_scale():
    X, y = bars(90)
    rows, labels = X.reshape(90, -1), np.array(NAMES)[y]
    net = DenseClassifier(hidden_size=8, epochs=12, learning_rate=0.01, random_state=0)
    yield "integers", net, rows, labels
    yield "floats", net, np.float32(rows) / 255, labels


def test_a_net_of_any_scale_tests_own_images(folder, capsys):
    answers = {}
    for name, net, rows, labels in nets_of_every_scale():
        net.fit(rows, labels).save("net")
        printed = said(capsys, "predict", "--load", "net", "--data", folder)
        divided = "divided by 255, for a net of values of 0 to 1" in printed.err
        assert divided == (name == "floats")
        answers[name] = printed.out
    assert len({*answers.values()}) == 1
    assert accuracy(said(capsys, "evaluate", "--load", "net", "--data", folder)) > 0.6


def test_a_net_of_pixels_tests_the_digits(alone, capsys):
    X, X_test, y, y_test = sknn_mnist.load_digits28(return_X_y=True)
    pixels, pixels_test = (np.uint8(np.round(each * 255)) for each in (X, X_test))
    net = DenseClassifier(hidden_size=16, epochs=5, random_state=0)
    net.fit(pixels[:600], y[:600]).save("net")
    printed = said(capsys, "evaluate", "--load", "net", "--dataset", "digits")
    assert "multiplied by 255" in printed.err
    assert accuracy(printed) == pytest.approx(net.score(pixels_test, y_test), abs=0.01)


OWN = """\
import keras


def make_model():
    return keras.Sequential(
        [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    )


def make_cnn():
    return keras.Sequential(
        [
            keras.layers.Conv2D(2, 3),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
"""


@pytest.mark.parametrize("function", ["make_model", "make_cnn"])
def test_networks_of_ones_own_are_given_values_of_0_to_1(
    function, folder, alone, capsys
):
    # Of a name of its own, as Python imports a module once.
    (alone / f"bars_{function}.py").write_text(OWN, encoding="utf-8")
    model = ["--model", f"bars_{function}.py:{function}"]
    data = ["--data", folder]
    options = [*model, "--epochs", "25", "--learning-rate", "0.01", "--save", "net"]
    fitted = said(capsys, "fit", *data, *options)
    assert "as networks of your own are given those of MNIST" in fitted.err
    assert accuracy(fitted) > 0.6
    evaluated = said(capsys, "evaluate", "--load", "net", *data)
    assert accuracy(evaluated) == accuracy(fitted)
    by_data = table(said(capsys, "predict", "--load", "net", *data))
    by_name = table(said(capsys, "predict", "--load", "net", "--images", folder))
    assert len(by_name) == 90
    assert {row["prediction"] for row in by_data} <= set(NAMES)


# -- errors ------------------------------------------------------------------------


def test_what_can_not_be_read_is_one_sentence(folder, alone, capsys):
    assert "none" in refusal(capsys, "fit", "--data", "none", *QUICK)
    (alone / "empty").mkdir()
    assert "empty" in refusal(capsys, "fit", "--data", "empty", *QUICK)
    write_table(alone / "bars.csv", *bars(30))
    line = refusal(capsys, "fit", "--data", "bars.csv", "--target", "knid", *QUICK)
    assert "bars.csv" in line
    assert "'knid'" in line
    assert "--target COLUMN" in line
    (alone / "notes.txt").write_text("nothing", encoding="utf-8")
    assert "notes.txt" in refusal(capsys, "fit", "--data", "notes.txt", *QUICK)


def test_broken_files_are_all_named_or_left_out(folder, capsys):
    for name in NAMES:
        (folder / name / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert main(["fit", "--data", str(folder), *QUICK]) == 1
    *named, line = capsys.readouterr().err.splitlines()
    assert [each.partition(": ")[0] for each in named] == [
        str(folder / name / "bad.png") for name in NAMES
    ]
    assert line.startswith("sknn-mnist: error: 3 files can't be read, as said above")
    printed = said(capsys, "fit", "--data", folder, "--skip-broken", *QUICK)
    assert "left out, as they can't be read: 3 files (" in printed.err
    assert "72 training rows, 18 test rows" in printed.err


def test_labels_that_are_no_classes_are_refused(alone, capsys):
    X, _ = bars(30)
    np.savez("heights.npz", X=X, y=np.linspace(0, 1.5, 30))
    line = refusal(capsys, "fit", "--data", "heights.npz", *QUICK)
    assert "numbers as labels that are no classes" in line


@pytest.mark.parametrize(
    "options",
    [
        ["--target", "kind"],
        ["--image-size", "8x8"],
        ["--test-size", "0.5"],
        ["--skip-broken"],
        ["--dataset", "digits", "--image-size", "8x8"],
        ["--data", "mnist.npz", "--test-size", "0.5"],
    ],
    ids=" ".join,
)
def test_options_without_own_images_are_refused(options, alone, capsys):
    line = refusal(capsys, "fit", *options, *QUICK, code=2)
    assert "say how images of your own are read: give their place by --data" in line


def test_own_images_are_not_downloaded(folder, capsys):
    line = refusal(capsys, "fit", "--data", folder, "--download", *QUICK, code=2)
    assert "--download is of MNIST" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--image-size", "28"], "expected HEIGHTxWIDTH, such as 28x28"),
        (["--image-size", "0x28"], "got '0x28'"),
        (["--image-size", "8x8x3x1"], "got '8x8x3x1'"),
        (["--test-size", "1"], "expected a number between 0 and 1"),
        (["--test-size", "nan"], "got 'nan'"),
        (["--test-size", "0.5", "--test-data", "x"], "not allowed with"),
    ],
)
def test_values_that_can_not_be_are_wrong_usage(options, message, capsys):
    assert message in refusal(capsys, "fit", "--data", "x", *options, code=2)


# -- the files of a search ---------------------------------------------------------


def test_a_search_writes_names_and_python_that_repeats_it(folder, alone, capsys):
    options = ["--epochs", "1", "4", "--cv", "2", "--out", "out"]
    printed = said(capsys, "search", "--data", "bars", *CNN[:4], *options)
    best = json.loads((alone / "out" / "best_params.json").read_text("utf-8"))
    assert best["dataset"]["name"] == "bars"
    assert f"test accuracy: {best['test_accuracy']:.4f}" in printed.out
    html = (alone / "out" / "report.html").read_text("utf-8")
    assert all(f"<td>{name}</td>" in html for name in NAMES)
    code = re.search("<pre><code>(.*?)</code>", html, re.S)[1]
    code = code.replace("&#39;", "'").replace("&#34;", '"').replace("&gt;", ">")
    assert "load_images" in code
    namespace = {}
    exec(compile(code, "report", "exec"), namespace)
    results = pd.read_csv(alone / "out" / "cv_results.csv")
    np.testing.assert_allclose(
        namespace["search"].cv_results_["mean_test_score"], results["mean_test_score"]
    )
    assert namespace["search"].score(
        namespace["X_test"], namespace["y_test"]
    ) == pytest.approx(best["test_accuracy"])


# -- parameters of nets of images --------------------------------------------------


def test_augmentation_is_a_candidate(folder, alone, capsys):
    options = ["--augmentation", "none", "flip", "translation,zoom", "--out", "out"]
    said(capsys, "search", "--data", "bars", *CNN[:4], "--cv", "2", *options)
    results = pd.read_csv(alone / "out" / "cv_results.csv", keep_default_na=False)
    found = results["param_augmentation"].tolist()
    assert found == ["", "flip", "('translation', 'zoom')"]
    said(capsys, "fit", "--data", "bars", *CNN[:4], *options[:1], "flip,zoom")
    line = refusal(
        capsys, "fit", "--data", "bars", *CNN[:4], *options[:1], "flop", code=2
    )
    assert "flip" in line
    line = refusal(capsys, "fit", "--data", "bars", *options[:1], "flip", code=2)
    assert "--augmentation belongs to --model cnn" in line


@pytest.mark.filterwarnings("ignore:.*which it learns badly from")
def test_rescaling_is_given_or_left_out(folder, alone, capsys):
    X, y = bars(90)
    np.savez("halves.npz", X=np.int16(X) * 2, y=y)
    for given, expected in (
        (["--rescaling", "1/510"], 1 / 510),
        (["--rescaling", "0.01"], 0.01),
        (["--rescaling", "none"], None),
        (["--rescaling", "auto"], None),
        ([], None),
    ):
        said(capsys, "fit", "--data", "halves.npz", *QUICK, *given, "--save", "net")
        assert sknn_mnist.load("net").rescaling_ == expected
    said(capsys, "fit", "--data", folder, *QUICK, "--save", "net")
    assert sknn_mnist.load("net").rescaling_ == 1 / 255
    line = refusal(
        capsys, "fit", "--data", folder, *QUICK, "--rescaling", "1/0", code=2
    )
    assert "expected a number such as 1/255" in line
    line = refusal(capsys, "fit", "--data", folder, *QUICK, "--rescaling", "0", code=2)
    assert "'rescaling'" in line
