"""Own images in class folders are loaded, split and named, or refused whole."""

import os

import numpy as np
import pytest
from PIL import Image

from sknn_mnist.datasets import load_images


def write(folder, count=5, shape=(4, 3), start=0, ending="png"):
    """Write images to a folder; every pixel of each is its number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        pixels = np.full(shape, number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}.{ending}")
    return folder


@pytest.fixture
def pets(tmp_path):
    """Numbers 0 to 9 are cats, 100 to 109 dogs."""
    write(tmp_path / "pets" / "cat", 10)
    write(tmp_path / "pets" / "dog", 10, start=100)
    return tmp_path / "pets"


def test_class_folders_are_labels(pets):
    bunch = load_images(pets)
    assert bunch.target_names.tolist() == ["cat", "dog"]
    assert bunch.X_train.shape == (16, 4, 3, 1)
    assert bunch.X_test.shape == (4, 4, 3, 1)
    assert bunch.X_train.dtype == np.uint8
    assert bunch.y_train.dtype == bunch.y_test.dtype == np.int64
    assert bunch.image_shape == (4, 3, 1)
    assert (bunch.name, bunch.source) == ("pets", str(pets))
    assert (bunch.n_skipped, bunch.skipped) == (0, [])
    assert "20 images of 4×3×1 pixels, 2 classes, 4 to test with" in bunch.DESCR
    for X, y, files in (
        (bunch.X_train, bunch.y_train, bunch.files_train),
        (bunch.X_test, bunch.y_test, bunch.files_test),
    ):
        np.testing.assert_array_equal(X[:, 0, 0, 0] >= 100, y)
        assert [int(os.path.basename(file)[:4]) for file in files] == list(
            X[:, 0, 0, 0]
        )
        assert y.tolist().count(0) == y.tolist().count(1)  # stratified
    together = np.concatenate([bunch.X_train, bunch.X_test])[:, 0, 0, 0]
    assert sorted(together) == [*range(10), *range(100, 110)]


def test_the_seed_draws_split_and_order(pets):
    def loaded(**options):
        X_train, X_test, _, _ = load_images(pets, return_X_y=True, **options)
        return X_train[:, 0, 0, 0].tolist(), X_test[:, 0, 0, 0].tolist()

    assert loaded() == loaded(random_state=0)
    assert loaded() != loaded(random_state=1)
    train, test = loaded(test_size=0)
    assert test == []
    assert sorted(train) == [*range(10), *range(100, 110)]
    assert train != sorted(train)  # no class comes last
    assert len(loaded(test_size=0.5)[1]) == 10
    assert len(loaded(test_size=6)[1]) == 6


def test_train_and_test_folders_are_the_split(tmp_path):
    for train, test in (("train", "test"), ("Training", "TESTING")):
        place = tmp_path / train
        for label in ("b", "a"):
            write(place / train / label, 4)
        write(place / test / "b", 2, start=50)
        bunch = load_images(place)
        assert len(bunch.X_train) == 8
        assert bunch.X_test[:, 0, 0, 0].tolist() == [50, 51]
        assert bunch.y_test.tolist() == [1, 1]
        with pytest.raises(ValueError, match="The 'test_size' parameter of load_imag"):
            load_images(place, test_size=0.3)
        with pytest.raises(ValueError, match="The 'test_data' parameter of load_imag"):
            load_images(place, test_data=place / test)


def test_a_train_folder_alone_is_split(pets, tmp_path):
    pets.rename(tmp_path / "train")
    assert len(load_images(tmp_path).X_test) == 4


def test_test_data_comes_from_another_place(pets, tmp_path):
    write(tmp_path / "more" / "dog", 3, start=50)
    bunch = load_images(pets, test_data=tmp_path / "more")
    assert len(bunch.X_train) == 20
    assert bunch.X_test[:, 0, 0, 0].tolist() == [50, 51, 52]
    assert bunch.y_test.tolist() == [1, 1, 1]
    np.savez(tmp_path / "more.npz", X=bunch.X_test, y=["cat", "dog", "dog"])
    bunch = load_images(pets, test_data=tmp_path / "more.npz")
    assert bunch.y_test.tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match=r"The 'test_size' parameter .* None where"):
        load_images(pets, test_data=tmp_path / "more", test_size=0.1)
    with pytest.raises(FileNotFoundError, match="load_images found nothing at"):
        load_images(pets, test_data=tmp_path / "nowhere")
    write(tmp_path / "birds" / "bird", 3)
    with pytest.raises(ValueError, match="no training sample has: 'bird'"):
        load_images(pets, test_data=tmp_path / "birds")
    np.savez(tmp_path / "wide.npz", X=np.zeros((1, 9, 9)), y=["cat"])
    with pytest.raises(ValueError, match=r"of several shapes, \(4, 3, 1\) and \(9, 9"):
        load_images(pets, test_data=tmp_path / "wide.npz")


@pytest.mark.parametrize("validation", ["val", "valid", "Validation", "dev"])
@pytest.mark.parametrize("test", [["test"], []])
def test_validation_folders_are_refused(tmp_path, validation, test):
    for name in ("train", validation, *test):
        write(tmp_path / name / "a", 2)
        write(tmp_path / name / "b", 2)
    with pytest.raises(ValueError, match=f"{validation}' beside 'train'.*as test_data"):
        load_images(tmp_path)


def test_odd_folders_beside_train_and_test_are_named(tmp_path):
    for name in ("train", "test", "extra"):
        write(tmp_path / name / "a", 2)
    with pytest.raises(ValueError, match="holds 'extra' beside 'train' and 'test'"):
        load_images(tmp_path)


def test_train_may_be_what_images_show(tmp_path):
    for name in ("train", "car", "bus"):
        write(tmp_path / name, 2)
    names = load_images(tmp_path, test_size=0).target_names
    assert names.tolist() == ["bus", "car", "train"]


def test_two_folders_of_one_part_are_refused(tmp_path):
    for name in ("train", "training", "test"):
        write(tmp_path / name / "a", 2)
    with pytest.raises(ValueError, match="holds 'train' and 'training' at once"):
        load_images(tmp_path)


def test_test_alone_is_refused(tmp_path):
    write(tmp_path / "test" / "a", 2)
    with pytest.raises(ValueError, match="holds 'test' and no 'train'"):
        load_images(tmp_path)


def test_numbers_sort_by_size_and_other_names_as_text(tmp_path):
    for name in ("10", "2", "-1"):
        write(tmp_path / "numbers" / name, 2)
    names = load_images(tmp_path / "numbers", test_size=0).target_names
    assert names.tolist() == ["-1", "2", "10"]
    with pytest.raises(ValueError, match=r"Got 0\.2 of 6 images in 3 classes instead"):
        load_images(tmp_path / "numbers")
    for name in ("10", "2", "Ähre", "cat", "Cat", "日本", "two words"):
        write(tmp_path / "names" / name, 2)
    names = load_images(tmp_path / "names", test_size=0.5).target_names
    assert names.tolist() == ["10", "2", "Cat", "cat", "two words", "Ähre", "日本"]
    assert names.dtype.kind == "U"


def test_images_in_folders_of_folders_are_of_the_class(pets):
    write(pets / "cat" / "black" / "old", 2, start=50)
    assert len(load_images(pets, test_size=0).X_train) == 22


def test_links_that_lead_back_end(pets, tmp_path):
    os.symlink(pets, pets / "cat" / "again")
    os.symlink(pets / "cat", pets / "cat" / "self")
    bunch = load_images(pets, test_size=0)
    assert len(bunch.files_train) == len({*map(os.path.realpath, bunch.files_train)})
    write(tmp_path / "elsewhere", 3, start=50)
    os.symlink(tmp_path / "elsewhere", pets / "mouse")
    assert "mouse" in load_images(pets, test_size=0).target_names


def test_what_systems_leave_behind_is_not_looked_at(pets):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0001.png", ".hidden"):
        (pets / name).write_bytes(b"?")
        (pets / "cat" / name).write_bytes(b"?")
    write(pets / "__MACOSX" / "cat", 2)
    write(pets / ".ipynb_checkpoints", 2)
    write(pets / "cat" / "@eaDir", 2)
    assert len(load_images(pets, test_size=0).X_train) == 20


def test_other_files_are_named_or_skipped(pets):
    (pets / "cat" / "notes.txt").write_text("miau")
    (pets / "dog" / "0100.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="2 of 21 image files can't be") as caught:
        load_images(pets)
    assert repr(str(pets / "cat" / "notes.txt")) in str(caught.value)
    assert repr(str(pets / "dog" / "0100.png")) in str(caught.value)
    bunch = load_images(pets, on_error="skip", test_size=0)
    assert bunch.n_skipped == 2
    assert sorted(bunch.skipped) == [
        str(pets / "cat" / "notes.txt"),
        str(pets / "dog" / "0100.png"),
    ]
    assert len(bunch.X_train) == len(bunch.y_train) == len(bunch.files_train) == 19
    (pets / "readme.md").write_text("# Pets")
    with pytest.raises(ValueError, match=r"beside the folders of its classes: 'readme"):
        load_images(pets)
    assert load_images(pets, on_error="skip").n_skipped == 3


def test_files_cut_within_their_pixels_are_named_or_skipped(pets):
    noise = np.random.default_rng(0).integers(0, 256, (4, 3), dtype=np.uint8)
    for name in ("0003.png", "0007.png"):
        Image.fromarray(noise).save(pets / "cat" / name)
        data = (pets / "cat" / name).read_bytes()
        (pets / "cat" / name).write_bytes(data[: data.index(b"IDAT") + 8])
    with pytest.raises(ValueError, match=r"can't be read: .*0003\.png|0007\.png"):
        load_images(pets, test_size=0)
    bunch = load_images(pets, on_error="skip", test_size=0)
    assert sorted(map(os.path.basename, bunch.skipped)) == ["0003.png", "0007.png"]
    np.testing.assert_array_equal(bunch.X_train[:, 0, 0, 0] >= 100, bunch.y_train)
    assert len(bunch.X_train) == 18
    bunch = load_images(pets, on_error="skip")
    assert len(bunch.X_train) + len(bunch.X_test) == 18


def test_a_class_that_is_broken_whole_is_no_class(pets):
    for file in (pets / "cat").iterdir():
        file.write_bytes(b"no image")
    with pytest.raises(ValueError, match="holds no image of 'cat' that can be read"):
        load_images(pets, on_error="skip")


def test_empty_folders_are_refused(pets, tmp_path):
    (pets / "mouse").mkdir()
    with pytest.raises(ValueError, match="mouse' holds no image, and so would be a"):
        load_images(pets)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ValueError, match=r"holds no data: there must be .* is empty"):
        load_images(tmp_path / "nothing")
    (tmp_path / "nothing" / "data.csv").write_text("label,p0\n1,2\n")
    with pytest.raises(
        ValueError, match=r"'data\.csv': if that is the data, give that"
    ):
        load_images(tmp_path / "nothing")


def test_one_class_is_refused(pets):
    with pytest.raises(ValueError, match="images of one class, 'pets', and there must"):
        load_images(pets.parent)


def test_a_class_with_one_image_cannot_be_split(pets):
    write(pets / "mouse", 1)
    with pytest.raises(ValueError, match="The class 'mouse' has 1 image, and needs"):
        load_images(pets)
    assert len(load_images(pets, test_size=0).X_train) == 21


def test_several_sizes_are_one_error_or_resized(pets):
    write(pets / "cat", 1, (8, 9), start=200)
    with pytest.raises(ValueError, match="have 2 sizes") as caught:
        load_images(pets)
    assert "4×3 (20, as " in str(caught.value)
    assert "8×9 (1, as " in str(caught.value)
    assert "image_shape=(4, 3)" in str(caught.value)
    bunch = load_images(pets, image_shape=(2, 2), test_size=0)
    assert bunch.X_train.shape == (21, 2, 2, 1)
    assert sorted(bunch.X_train[:, 0, 0, 0])[-1] == 200
    assert load_images(pets, image_shape=(2, 2, 3)).image_shape == (2, 2, 3)


def test_one_coloured_image_makes_all_so(pets):
    Image.new("RGB", (3, 4)).save(pets / "cat" / "red.jpg")
    assert load_images(pets).image_shape == (4, 3, 3)
    assert load_images(pets, image_shape=(4, 3, 1)).image_shape == (4, 3, 1)


def test_paths_can_be_had_instead(pets):
    paths = load_images(pets, as_paths=True)
    images = load_images(pets)
    assert paths.X_train.dtype.kind == "U"
    np.testing.assert_array_equal(paths.X_train, images.files_train)
    np.testing.assert_array_equal(paths.X_test, images.files_test)
    np.testing.assert_array_equal(paths.y_train, images.y_train)
    assert paths.image_shape == (4, 3, 1)
    assert load_images(pets, as_paths=True, image_shape=(2, 2)).image_shape == (2, 2, 1)
    (pets / "cat" / "0000.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="1 of 20 image files"):
        load_images(pets, as_paths=True, image_shape=(2, 2, 1))
    assert load_images(pets, as_paths=True, on_error="skip").n_skipped == 1


def test_a_tilde_is_home(pets, monkeypatch):
    monkeypatch.setenv("HOME", str(pets.parent))
    assert len(load_images("~/pets", test_data="~/pets").X_test) == 20


def test_odd_places_are_refused(tmp_path, pets):
    for nowhere in (tmp_path / "nowhere", "~nobody/pets", "\0"):
        with pytest.raises(FileNotFoundError, match="load_images found nothing at"):
            load_images(nowhere)
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(ValueError, match="is neither a file nor a folder"):
        load_images(tmp_path / "pipe.npz")
    with pytest.raises(
        ValueError, match=r"is of no kind that load_images takes: a folder"
    ):
        load_images(pets / "cat" / "0000.png")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"target": "label"}, "target"),
        ({"target": 1.5}, "target"),
        ({"target": True}, "target"),
        ({"image_shape": 28}, "image_shape"),
        ({"image_shape": (28,)}, "image_shape"),
        ({"image_shape": (28, 28, 2)}, "image_shape"),
        ({"test_data": 5}, "test_data"),
        ({"test_size": 1.0}, "test_size"),
        ({"test_size": -1}, "test_size"),
        ({"test_size": True}, "test_size"),
        ({"test_size": "0.2"}, "test_size"),
        ({"test_size": float("nan")}, "test_size"),
        ({"test_size": 20}, "test_size"),
        ({"test_size": 1}, "test_size"),
        ({"random_state": -1}, "random_state"),
        ({"on_error": "ignore"}, "on_error"),
        ({"as_paths": 1}, "as_paths"),
        ({"return_X_y": 1}, "return_X_y"),
    ],
)
def test_bad_parameters_are_named(pets, options, name):
    with pytest.raises(ValueError, match=f"The {name!r} parameter of load_images must"):
        load_images(pets, **options)
