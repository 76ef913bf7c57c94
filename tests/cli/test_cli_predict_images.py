"""`predict --images`: files, folders, patterns, arrays; on the scale of the net."""

import csv
import io

import numpy as np
import pytest
from own_images import NAMES, SHAPE, bars, write_folder
from PIL import Image

from sknn_mnist import CNNClassifier, DenseClassifier, KerasClassifier
from sknn_mnist.cli import main

X, Y = bars(60)
LABELS = np.array(NAMES)[Y]
NEW, NEW_Y = bars(12, seed=1)
OPTIONS = {"epochs": 12, "learning_rate": 0.01, "random_state": 0}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def nets():
    """Nets of every kind, with what they were fitted on."""
    rows = X.reshape(60, -1)
    unit = np.float32(rows) / 255
    dense = {"hidden_size": 8, **OPTIONS}
    return {
        "dense of pixels": DenseClassifier(**dense).fit(rows, LABELS),
        "dense of floats": DenseClassifier(**dense).fit(unit, LABELS),
        "cnn of pixels": CNNClassifier(filters=4, **OPTIONS).fit(X, LABELS),
        "cnn of floats": CNNClassifier(filters=4, **OPTIONS).fit(
            unit.reshape(-1, *SHAPE), LABELS
        ),
    }


def predicted(capsys, net, images, *options):
    """Return the table of a net's predictions, and what was said of it."""
    net.save("net")
    args = ["predict", "--load", "net", "--images", str(images), *options]
    assert main(args) == 0, capsys.readouterr().err
    printed = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(printed.out))), printed.err


def refusal(capsys, net, images, *options, code=1):
    net.save("net")
    args = ["predict", "--load", "net", "--images", str(images), *options]
    assert main(args) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()[-1]


def answers(net, images):
    """Return what a net predicts in Python of pixels of 0 to 255."""
    fitted_on_floats = net.value_range_[1] <= 1
    shown = np.float32(images) / 255 if fitted_on_floats else images
    if isinstance(net, DenseClassifier):
        shown = shown.reshape(len(shown), -1)
    return net.predict(shown).tolist(), net.predict_proba(shown).max(axis=1)


KINDS = ["dense of pixels", "dense of floats", "cnn of pixels", "cnn of floats"]


@pytest.mark.parametrize("kind", KINDS)
def test_image_files_are_predicted_as_in_python(kind, nets, alone, capsys):
    net = nets[kind]
    labels, probabilities = answers(net, NEW)
    assert np.mean(np.array(labels) == np.array(NAMES)[NEW_Y]) > 0.6
    (alone / "new").mkdir()
    for number, image in enumerate(NEW):
        Image.fromarray(image).save(alone / "new" / f"{number:02}.png")
    names = [f"{number:02}.png" for number in range(12)]
    for images, shown in (
        ("new", names),
        ("new/*.png", [f"new/{name}" for name in names]),
        ("./new/", names),
    ):
        rows, told = predicted(capsys, net, images)
        assert [*rows[0]] == ["index", "name", "prediction", "probability"]
        assert [row["name"] for row in rows] == shown
        assert [int(row["index"]) for row in rows] == list(range(12))
        assert [row["prediction"] for row in rows] == labels
        np.testing.assert_allclose(
            [float(row["probability"]) for row in rows], probabilities, atol=2e-6
        )
        assert "images: 12, read as 12×12 pixels, grey" in told
        assert ("divided by 255" in told) == kind.endswith("floats")
    (row,), _ = predicted(capsys, net, "new/07.png")
    assert (row["name"], row["prediction"]) == ("07.png", labels[7])


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_every_scale_are_predicted_alike(kind, nets, capsys):
    net = nets[kind]
    labels, _ = answers(net, NEW)
    forms = [NEW, NEW.astype(np.int64), NEW[..., None], NEW.reshape(12, -1)]
    if kind.endswith("floats"):
        forms += [np.float32(NEW) / 255, NEW / 255]
    for images in forms:
        np.save("new.npy", images)
        rows, told = predicted(capsys, net, "new.npy")
        assert [*rows[0]] == ["index", "prediction", "probability"]
        assert [row["prediction"] for row in rows] == labels
        divided = images.dtype.kind in "iu" and kind.endswith("floats")
        assert ("divided by 255" in told) == divided


def test_pixels_of_0_and_1_are_taken_as_they_are(capsys):
    bits, new = X > 128, NEW > 128
    net = DenseClassifier(hidden_size=8, **OPTIONS).fit(bits.reshape(60, -1), LABELS)
    labels = net.predict(new.reshape(12, -1)).tolist()
    assert np.mean(np.array(labels) == np.array(NAMES)[NEW_Y]) > 0.6
    for images in (new, new.astype(np.uint8), new.astype(float), np.uint8(new) * 255):
        np.save("new.npy", images)
        rows, _ = predicted(capsys, net, "new.npy")
        assert [row["prediction"] for row in rows] == labels
    # A file of one bit has white as 255.
    write_folder_of_bits(new)
    rows, told = predicted(capsys, net, "bits")
    assert [row["prediction"] for row in rows] == labels
    assert "divided by 255" in told


def write_folder_of_bits(images):
    import os

    os.mkdir("bits")
    for number, image in enumerate(images):
        Image.fromarray(image).save(f"bits/{number:02}.png")


def test_images_are_brought_to_the_shape_of_the_nets(nets, alone, capsys):
    write_folder(alone / "new", NEW, NEW_Y)
    expected, _ = predicted(capsys, nets["cnn of pixels"], "new")
    assert [row["name"] for row in expected][:2] == ["cross/000.png", "cross/003.png"]
    for image in (alone / "new").rglob("*.png"):
        seen = Image.open(image).convert("RGB")
        seen.resize((48, 48), Image.Resampling.NEAREST).save(image)
    for kind in ("cnn of pixels", "dense of pixels"):
        rows, told = predicted(capsys, nets[kind], "new")
        assert "read as 12×12 pixels, grey" in told
        alike = np.mean(
            [
                row["prediction"] == each["prediction"]
                for row, each in zip(
                    rows, predicted(capsys, nets[kind], "new")[0], strict=True
                )
            ]
        )
        assert alike == 1


def test_rows_that_are_no_square_need_their_shape(alone, capsys):
    wide, y = bars(30, shape=(10, 14))
    net = DenseClassifier(hidden_size=4, **OPTIONS)
    net.fit(wide.reshape(30, -1), np.array(NAMES)[y])
    write_folder(alone / "wide", wide, y)
    rows, told = predicted(capsys, net, "wide")  # of files of this very shape
    assert "read as 10×14 pixels, grey" in told
    by_path = {row["name"]: row["prediction"] for row in rows}
    expected = net.predict(wide.reshape(30, -1))
    assert by_path["dash/001.png"] == expected[1]
    large, y = bars(3, shape=(20, 28))
    write_folder(alone / "large", large, y)
    line = refusal(capsys, net, "large")
    assert "takes 140 features" in line
    assert "20×28" in line
    assert "--image-size" in line
    rows, told = predicted(capsys, net, "large", "--image-size", "10x14x1")
    assert "read as 10×14 pixels, grey" in told
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("members", "chosen"),
    [
        ({"only": NEW}, True),
        ({"X": NEW, "y": NEW_Y}, True),
        ({"x_train": X, "x_test": NEW, "y_test": NEW_Y}, True),
        ({"images": NEW, "labels": NEW_Y}, True),
        ({"a": NEW, "b": NEW}, False),
    ],
    ids=["one", "X", "test", "images", "unknown"],
)
def test_archives_of_arrays(members, chosen, nets, capsys):
    net = nets["cnn of pixels"]
    np.savez("new.npz", **members)
    if not chosen:
        line = refusal(capsys, net, "new.npz")
        assert "must hold one array, or images by one of the names x_test" in line
        assert line.endswith("but holds a, b")
        return
    rows, _ = predicted(capsys, net, "new.npz")
    assert [row["prediction"] for row in rows] == answers(net, NEW)[0]


def test_many_files_are_read_in_blocks(nets, alone, capsys, monkeypatch):
    write_folder(alone / "new", NEW, NEW_Y)
    whole, _ = predicted(capsys, nets["cnn of floats"], "new")
    monkeypatch.setattr("sknn_mnist.cli._images.BLOCK_BYTES", 5 * 144)
    blocks, _ = predicted(capsys, nets["cnn of floats"], "new")
    assert blocks == whole


def test_files_that_are_no_images_are_told_of(nets, alone, capsys):
    net = nets["cnn of pixels"]
    write_folder(alone / "new", NEW, NEW_Y)
    (alone / "new" / "notes.txt").write_text("x", encoding="utf-8")
    (alone / "new" / ".hidden").write_text("x", encoding="utf-8")
    rows, told = predicted(capsys, net, "new")
    assert len(rows) == 12
    assert "left out, as they are called as no images: 1 file (notes.txt)" in told


def test_what_is_no_image_is_one_sentence(nets, alone, capsys):
    net = nets["dense of pixels"]
    (alone / "empty").mkdir()
    assert "empty holds no image files" in refusal(capsys, net, "empty")
    assert "no file has a name like x*.png" in refusal(capsys, net, "x*.png")
    assert "none.png: no such file" in refusal(capsys, net, "none.png")
    assert "none.npy: no such file" in refusal(capsys, net, "none.npy")
    np.save("new.npy", NEW)
    line = refusal(capsys, net, "new.npy", "--image-size", "9x9")
    assert "--image-size and --skip-broken are for image files" in line


def test_all_broken_files_are_named_or_left_out(nets, alone, capsys, monkeypatch):
    net = nets["cnn of pixels"]
    write_folder(alone / "new", NEW, NEW_Y)
    whole, _ = predicted(capsys, net, "new")
    for name in ("a.png", "b.jpg", "z.png"):
        (alone / "new" / name).write_bytes(b"no image")
    net.save("net")
    args = ["predict", "--load", "net", "--images", "new"]
    for block in (10**6, 3 * 144, 1):
        monkeypatch.setattr("sknn_mnist.cli._images.BLOCK_BYTES", block)
        assert main(args) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        *named, last = printed.err.splitlines()[-4:]
        assert [line.partition(": ")[0] for line in named] == [
            f"new/{name}" for name in ("a.png", "b.jpg", "z.png")
        ]
        assert "3 files can't be read, as said above (here: --skip-broken" in last
        rows, told = predicted(capsys, net, "new", "--skip-broken")
        assert rows == whole
        assert "left out, as they can't be read: 3 files (new/a.png, " in told
    line = refusal(capsys, net, "new/a.png", "--skip-broken")
    assert "error: new/a.png: is no image of PNG" in line


def test_a_network_that_was_given_integers_gets_them(alone, capsys):
    import keras

    net = KerasClassifier(
        keras.Sequential(
            [
                keras.layers.Input((*SHAPE, 1)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Flatten(),
                keras.layers.Dense(3, activation="softmax"),
            ]
        ),
        **OPTIONS,
    ).fit(X[..., None], LABELS)
    write_folder(alone / "new", NEW, np.zeros(12, int))
    rows, told = predicted(capsys, net, "new")
    assert "divided" not in told
    assert [row["prediction"] for row in rows] == net.predict(NEW[..., None]).tolist()
