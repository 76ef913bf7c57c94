"""Own images in CSV and parquet files: labels are found, odd cells named."""

import gzip
import re
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sknn_mnist.datasets import _tables, load_images

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (20, 9), dtype=np.uint8)
Y = np.arange(20) % 2


def frame(X=X, label=Y, name="label", place=0, prefix="pixel"):
    table = pd.DataFrame(
        X, columns=[f"{prefix}{column}" for column in range(X.shape[1])]
    )
    table.insert(place, name, label)
    return table


def write(table, path, **options):
    if path.suffix == ".parquet":
        table.to_parquet(path, **options)
    else:
        table.to_csv(path, index=False, **options)
    return path


def loaded(path, **options):
    return load_images(path, test_size=0, **options)


ENDINGS = ["csv", "parquet"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", ["label", "Target", "CLASS", "y"])
@pytest.mark.parametrize("place", [0, 4, 9])
def test_the_label_is_found_by_its_name(tmp_path, ending, name, place):
    path = write(frame(name=name, place=place), tmp_path / f"a.{ending}")
    bunch = loaded(path)
    np.testing.assert_array_equal(bunch.X_train, X)
    np.testing.assert_array_equal(bunch.y_train, Y)
    assert bunch.X_train.dtype == np.uint8
    assert bunch.image_shape == (3, 3, 1)
    assert bunch.target_names.tolist() == ["0", "1"]
    split = load_images(path)
    assert split.X_train.shape == (16, 9)
    assert split.X_test.shape == (4, 9)
    assert loaded(path, image_shape=(3, 3)).X_train.shape == (20, 3, 3, 1)
    assert loaded(path, image_shape=(2, 2, 1)).X_train.shape == (20, 2, 2, 1)


@pytest.mark.parametrize("ending", ENDINGS)
def test_target_names_the_column(tmp_path, ending):
    path = write(frame(name="kind", place=9), tmp_path / f"a.{ending}")
    for target in ("kind", 9, -1, np.int64(9)):
        np.testing.assert_array_equal(loaded(path, target=target).y_train, Y)
    for target in ("kinds", 10, -11, ""):
        with pytest.raises(ValueError, match="The 'target' parameter of load_images m"):
            loaded(path, target=target)
    with pytest.raises(ValueError, match=r"did you mean 'kind'\?"):
        loaded(path, target="kinds")


@pytest.mark.parametrize("ending", ENDINGS)
def test_else_it_is_the_first_beside_pixels(tmp_path, ending):
    path = write(frame(name="digit"), tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(loaded(path).y_train, Y)
    path = write(frame(name="digit", place=9), tmp_path / f"a.{ending}")
    with pytest.raises(ValueError, match="no column that is called label, target, cla"):
        loaded(path)
    table = frame(name="digit").rename(columns={"pixel3": "age", "pixel4": "weight"})
    table.columns = [f"{letter}_" for letter in "abcdefghij"]
    with pytest.raises(ValueError, match="say by `target` which is the label, of 'a_'"):
        loaded(write(table, tmp_path / f"a.{ending}"))


def test_columns_by_row_and_column(tmp_path):
    names = [f"{row}x{column}" for row in (1, 2, 3) for column in (1, 2, 3)]
    table = frame(name="digit")
    table.columns = ["digit", *names]
    np.testing.assert_array_equal(loaded(write(table, tmp_path / "a.csv")).X_train, X)


def test_two_labels_are_one_too_many(tmp_path):
    table = frame().rename(columns={"pixel8": "Label"})
    with pytest.raises(
        ValueError, match="has columns 'label' and 'Label': say by `tar"
    ):
        loaded(write(table, tmp_path / "a.csv"))
    with pytest.raises(
        ValueError, match="has columns 'Label' beside the label and the"
    ):
        loaded(write(table, tmp_path / "a.csv"), target="label")


@pytest.mark.parametrize("ending", ENDINGS)
def test_columns_that_are_no_pixels_are_named(tmp_path, ending):
    table = frame()
    table.insert(1, "id", np.arange(20))
    with pytest.raises(
        ValueError, match="has columns 'id' beside the label and the pi"
    ):
        loaded(write(table, tmp_path / f"a.{ending}"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("zipped", [False, True])
def test_separators_and_gzip(tmp_path, separator, zipped):
    text = frame().to_csv(index=False, sep=separator, lineterminator="\r\n")
    data = ("\ufeff" + text).encode()  # as spreadsheets write it
    path = tmp_path / ("a.csv.gz" if zipped else "a.tsv")
    path.write_bytes(gzip.compress(data) if zipped else data)
    np.testing.assert_array_equal(loaded(path).X_train, X)
    np.testing.assert_array_equal(loaded(path).y_train, Y)


def test_a_first_row_of_numbers_is_a_row(tmp_path):
    write(frame(), tmp_path / "a.csv", header=False)
    bunch = loaded(tmp_path / "a.csv")
    np.testing.assert_array_equal(bunch.X_train, X)
    np.testing.assert_array_equal(bunch.y_train, Y)
    write(frame(place=9), tmp_path / "a.csv", header=False)
    np.testing.assert_array_equal(loaded(tmp_path / "a.csv", target=-1).y_train, Y)
    np.testing.assert_array_equal(loaded(tmp_path / "a.csv", target="9").y_train, Y)
    write(frame(), tmp_path / "a.csv", header=range(10))  # which pandas counts
    np.testing.assert_array_equal(loaded(tmp_path / "a.csv", target=0).X_train, X)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_index_that_pandas_writes_is_no_pixel(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    if ending == "csv":
        frame().to_csv(path)
    else:
        table = frame()
        table.index = pd.Index(range(20))
        table.to_parquet(path, index=True)
    np.testing.assert_array_equal(loaded(path).X_train, X)


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_larger_than_a_piece_are_read_in_pieces(tmp_path, ending, monkeypatch):
    monkeypatch.setattr(_tables, "CELLS_AT_ONCE", 30)  # three rows
    labels = np.where(Y, "b", "a")
    path = write(frame(label=labels), tmp_path / f"a.{ending}")
    bunch = loaded(path)
    np.testing.assert_array_equal(bunch.X_train, X)
    assert bunch.target_names.tolist() == ["a", "b"]
    wide = X.astype(np.int64)
    wide[17, 3] = 999
    got = loaded(write(frame(wide), path)).X_train
    np.testing.assert_array_equal(got, wide)
    assert got.dtype == np.int64
    if ending == "csv":
        indexed = frame().to_csv()
        path.write_text(indexed)
        np.testing.assert_array_equal(loaded(path).X_train, X)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (X, "uint8"),
        (X > 99, "bool"),
        (X.astype(np.int64) - 1, "int64"),
        (X.astype(np.int64) * 257, "int64"),
        (X / 255, "float64"),
    ],
)
def test_numbers_take_the_memory_that_they_need(tmp_path, ending, values, dtype):
    got = loaded(write(frame(values), tmp_path / f"a.{ending}")).X_train
    np.testing.assert_array_equal(got, values)
    assert got.dtype == dtype


def test_parquet_keeps_its_floats(tmp_path):
    values = (X / 255).astype(np.float32)
    got = loaded(write(frame(values), tmp_path / "a.parquet")).X_train
    np.testing.assert_array_equal(got, values)
    assert got.dtype == np.float32


@pytest.mark.parametrize("ending", ENDINGS)
def test_labels_as_they_are_written(tmp_path, ending):
    def names(labels):
        path = write(frame(label=labels), tmp_path / f"a.{ending}")
        bunch = loaded(path)
        return None if bunch.target_names is None else bunch.target_names.tolist()

    assert names(Y * 8 + 2) == ["2", "10"]
    assert names(np.where(Y, "None", "NA")) == ["NA", "None"]
    assert names(np.where(Y, "Käse", "Brot, rot")) == ["Brot, rot", "Käse"]
    assert names(Y.astype(bool)) == ["False", "True"]
    assert names(Y.astype(float)) == ["0", "1"]
    assert names(Y + 0.5) is None


def test_categories_of_parquet_are_text(tmp_path):
    labels = pd.Categorical(np.where(Y, "dog", "cat"))
    bunch = loaded(write(frame(label=labels), tmp_path / "a.parquet"))
    assert bunch.target_names.tolist() == ["cat", "dog"]


def test_test_data_of_the_same_form(tmp_path):
    train = write(frame(name="kind", place=9), tmp_path / "train.csv")
    test = write(frame(X[:5], Y[:5], name="kind", place=2), tmp_path / "test.parquet")
    bunch = load_images(train, test_data=test, target="kind")
    np.testing.assert_array_equal(bunch.X_test, X[:5])
    np.testing.assert_array_equal(bunch.y_test, Y[:5])
    narrow = write(frame(X[:5, :8], Y[:5]), tmp_path / "narrow.csv")
    with pytest.raises(ValueError, match=r"several shapes, \(3, 3, 1\) and \(8,\)"):
        load_images(write(frame(), train), test_data=narrow)


def test_whole_numbers_among_numbers_to_predict(tmp_path):
    train = write(frame(label=Y + 0.5), tmp_path / "train.csv")
    test = write(frame(label=Y + 1), tmp_path / "test.csv")
    bunch = load_images(train, test_data=test)
    np.testing.assert_array_equal(bunch.y_test, Y + 1.0)
    assert bunch.y_test.dtype == bunch.y_train.dtype == np.float64
    test = write(frame(label=np.where(Y, "b", "a")), tmp_path / "test.csv")
    with pytest.raises(ValueError, match="no training sample has: 'a', 'b'"):
        load_images(train, test_data=test)


# -- cells that are no numbers, files that are no tables ----------------------------


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("red", "has 'red' in column 'pixel3', row 8; all but the label must be num"),
        (None, "lacks a number in column 'pixel3', row 8"),
        (np.inf, "has inf in column 'pixel3', row 8"),
    ],
)
def test_odd_cells_are_named(tmp_path, ending, cell, message):
    table = frame()
    as_object = table["pixel3"].astype(object)
    as_object[7] = cell
    if ending == "parquet" and cell == "red":
        as_object = as_object.astype(str)
    table["pixel3"] = as_object if cell == "red" else as_object.astype(float)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        loaded(write(table, tmp_path / f"a.{ending}"))
    assert f"a.{ending}" in str(caught.value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_missing_labels_are_named(tmp_path, ending):
    labels = np.where(Y, "b", "a").astype(object)
    labels[3] = None
    with pytest.raises(ValueError, match="has no label in column 'label', row 4"):
        loaded(write(frame(label=labels), tmp_path / f"a.{ending}"))


def test_rows_of_other_lengths_are_refused(tmp_path):
    lines = frame().to_csv(index=False).splitlines()
    for line, what in (
        (lines[5] + ",1", "can't be read as a CSV file|more cells than its first"),
        (lines[5].rpartition(",")[0], "lacks a number in column 'pixel8', row 5"),
        ("", None),  # which is no row
    ):
        (tmp_path / "a.csv").write_text("\n".join([*lines[:5], line, *lines[6:]]))
        if what is None:
            assert len(loaded(tmp_path / "a.csv").X_train) == 19
        else:
            with pytest.raises(ValueError, match=what):
                loaded(tmp_path / "a.csv")
    longer = [lines[0], *(f"{line},1" for line in lines[1:])]
    (tmp_path / "a.csv").write_text("\n".join(longer))
    with pytest.raises(ValueError, match="has rows with more cells than its first"):
        loaded(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "must have a column of labels, and one for each pixel"),
        (b"label\n1\n", "must have a column of labels, and one for each pixel"),
        (b"label,p0\n", "has no rows"),
        (b"label,p0\n\xff,1\n", "can't be read as a CSV file"),
        (b"\x1f\x8bnothing", "can't be read as a CSV file"),
        (
            gzip.compress(b"label,p0\n1,2\n" * 999, mtime=0)[:-20],
            "can't be read as a CSV",
        ),
        (b'label,p0\n1,"2\n', "can't be read as a CSV|has '2"),
        (b"label,p0\n\0,\0\n", "can't be read as a CSV|has|lacks"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path, data, message):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        loaded(tmp_path / "a.csv")
    assert "a.csv' " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"hello", b"PAR1" + bytes(9) + b"PAR1"])
def test_what_is_no_parquet_is_refused(tmp_path, data):
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.parquet' can't be read as a parquet"):
        loaded(tmp_path / "a.parquet")


def test_nested_columns_of_parquet_are_no_numbers(tmp_path):
    table = pd.DataFrame({"image": [{"bytes": b"abc"}] * 4, "label": [0, 1, 0, 1]})
    with pytest.raises(ValueError, match=r"has \{'bytes.* in column 'image', row 1"):
        loaded(write(table, tmp_path / "a.parquet"))


def test_without_pyarrow_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = write(frame(), tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r'`pip install "sknn-mnist\[parquet\]"`'):
        loaded(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), ending=st.sampled_from(ENDINGS))
def test_damage_is_refused_or_read(tmp_path, data, ending):
    path = write(frame(), tmp_path / f"a.{ending}")
    damaged = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        bunch = loaded(path)
    except ValueError as err:
        if str(path) not in str(err):
            raise
    else:
        assert bunch.X_train.ndim == 2
        assert bunch.X_train.dtype.kind in "iufb"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.lists(st.integers(-(2**40), 2**40), min_size=3, max_size=3),
        min_size=2,
        max_size=9,
    ),
    separator=st.sampled_from(",;\t"),
    names=st.booleans(),
)
def test_any_integers_come_back(tmp_path, rows, separator, names):
    head = [["label", "a0", "a1", "a2"]] if names else []
    lines = [*head, *([place, *row] for place, row in enumerate(rows))]
    text = "\n".join(separator.join(map(str, line)) for line in lines)
    (tmp_path / "a.csv").write_text(text)
    if not names and lines[0] in ([0, 1, 2, 3], [1, 2, 3, 4]):
        return  # taken for the places of columns
    bunch = loaded(tmp_path / "a.csv")
    np.testing.assert_array_equal(bunch.X_train, rows)
    np.testing.assert_array_equal(bunch.y_train, np.arange(len(rows)))
