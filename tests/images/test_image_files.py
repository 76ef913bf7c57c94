"""Image files come out as uint8 of one shape, turned and coloured as said, or named."""

import os
import pickle
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sknn_mnist.images._files import BrokenImageError, header_shape, read_image
from sknn_mnist.images._reading import (
    ImageFileError,
    common_shape,
    is_path_array,
    paths_of,
    read_images,
)

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
WITH_ALPHA = RNG.integers(0, 256, (6, 9, 4), dtype=np.uint8)


@pytest.fixture
def saved(tmp_path):
    def save(image, name="image.png", **options):
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


# -- one file -----------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "ppm", "gif", "webp"])
def test_lossless_formats_give_the_same_pixels(saved, ending):
    options = {"lossless": True} if ending == "webp" else {}
    few = COLOUR // 64 * 64  # a palette takes 256 colours
    path = saved(few, f"image.{ending}", **options)
    assert header_shape(path) == (6, 9, 3)
    np.testing.assert_array_equal(read_image(path, (6, 9, 3)), few)


def test_what_a_file_is_called_does_not_matter(saved):
    path = saved(GREY, "image", format="PNG")
    np.testing.assert_array_equal(read_image(path, (6, 9, 1))[..., 0], GREY)


@pytest.mark.parametrize(
    ("image", "channels", "expected"),
    [
        (Image.fromarray(GREY > 99), 1, (GREY > 99) * 255),
        (Image.fromarray(GREY), 1, GREY),
        (Image.merge("LA", [Image.fromarray(GREY)] * 2), 1, GREY),
        (Image.fromarray(COLOUR), 3, COLOUR),
        (Image.fromarray(WITH_ALPHA), 3, WITH_ALPHA[..., :3]),
        (Image.fromarray(GREY).convert("P"), 3, np.stack([GREY] * 3, 2)),
    ],
    ids=["bits", "grey", "grey with alpha", "RGB", "RGBA", "palette"],
)
def test_modes_of_files(saved, image, channels, expected):
    path = saved(image)
    assert header_shape(path) == (6, 9, channels)
    got = read_image(path, (6, 9, channels))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got.reshape(np.shape(expected)), expected)


def test_channels_asked_for_are_given(saved):
    grey, colour = saved(GREY, "grey.png"), saved(COLOUR, "colour.png")
    np.testing.assert_array_equal(
        read_image(grey, (6, 9, 3)), np.stack([GREY] * 3, axis=2)
    )
    np.testing.assert_array_equal(
        read_image(colour, (6, 9, 1))[..., 0], Image.fromarray(COLOUR).convert("L")
    )
    assert (read_image(colour, (6, 9, 4))[..., 3] == 255).all()
    clear = saved(WITH_ALPHA, "clear.png")
    np.testing.assert_array_equal(read_image(clear, (6, 9, 4)), WITH_ALPHA)


@pytest.mark.filterwarnings("error")
def test_palettes_with_a_transparent_colour_are_read_without_a_word(saved):
    image = Image.fromarray(GREY).convert("P")
    path = saved(image, transparency=bytes(range(256)))
    np.testing.assert_array_equal(read_image(path, (6, 9, 3))[..., 0], GREY)
    np.testing.assert_array_equal(read_image(path, (6, 9, 1))[..., 0], GREY)


def test_cmyk_becomes_rgb(saved):
    path = saved(Image.new("CMYK", (9, 6), (0, 255, 255, 0)), "image.tif")
    assert header_shape(path) == (6, 9, 3)
    assert read_image(path, (6, 9, 3))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits_become_eight_to_the_nearest(saved, ending):
    deep = np.arange(0, 65536, 13, dtype=np.uint16)[:5040].reshape(56, 90)
    # Older ones of Pillow write a PGM of 16 bits from 32 alone.
    image = Image.fromarray(deep.astype(np.int32) if ending == "pgm" else deep)
    path = saved(image, f"image.{ending}")
    assert header_shape(path) == (56, 90, 1)
    np.testing.assert_array_equal(
        read_image(path, (56, 90, 1))[..., 0], np.rint(deep / 257)
    )


def test_eight_bits_survive_sixteen(saved):
    path = saved(GREY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(path, (6, 9, 1))[..., 0], GREY)


def test_floats_are_from_zero_to_one(saved):
    path = saved((GREY / 255).astype(np.float32), "image.tif")
    np.testing.assert_array_equal(read_image(path, (6, 9, 1))[..., 0], GREY)
    path = saved(GREY.astype(np.float32) + 0.5, "image.tif")
    with pytest.raises(BrokenImageError, match="floats must be from 0 to 1"):
        read_image(path, (6, 9, 1))
    path = saved(np.full((6, 9), np.nan, np.float32), "image.tif")
    with pytest.raises(BrokenImageError, match="from nan to nan; floats must"):
        read_image(path, (6, 9, 1))


def test_ints_of_unknown_range_are_refused(saved):
    path = saved(GREY.astype(np.int32) * 100_000, "image.tif")
    with pytest.raises(BrokenImageError, match="ints must be of 8 or 16 bits"):
        read_image(path, (6, 9, 1))


SEEN = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", SEEN)
@pytest.mark.parametrize(
    ("ending", "options"),
    [
        ("png", {}),
        ("jpg", {}),
        ("webp", {}),
        ("tif", {}),
        ("tif", {"compression": "tiff_lzw"}),
    ],
)
def test_orientations_are_applied(saved, ending, options, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    large = np.kron(GREY, np.ones((8, 8), np.uint8))
    path = saved(large, f"image.{ending}", exif=exif, **options)
    stored = large
    if ending in ("jpg", "webp"):  # which lose, and which Pillow does not turn
        with Image.open(path) as image:
            stored = np.asarray(image.convert("L"))
    expected = SEEN[orientation](stored)
    assert header_shape(path)[:2] == expected.shape
    got = read_image(path, (*expected.shape, 1), resize=False)[..., 0]
    np.testing.assert_array_equal(got, expected)


def test_an_orientation_turns_what_is_resized_as_well(saved):
    exif = Image.Exif()
    exif[274] = 6
    wide = np.zeros((400, 800), np.uint8)
    wide[:, :400] = 255  # left, which is the top when it is turned
    for name in ("image.jpg", "image.png"):
        got = read_image(saved(wide, name, exif=exif), (8, 4, 1))[..., 0]
        assert got[:3].min() > 250
        assert got[5:].max() < 5


def test_of_several_frames_the_first_is_read(saved):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    for name in ("image.gif", "image.tif"):
        path = saved(frames[0], name, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(read_image(path, (6, 9, 1))[..., 0], GREY)


def test_images_are_resized_over_all_their_pixels(saved):
    path = saved(np.kron(GREY, np.ones((10, 10), np.uint8)))
    got = read_image(path, (6, 9, 1))[..., 0]
    assert np.abs(got.astype(int) - GREY).mean() < 40  # each from its hundred and near
    even = saved(np.full((100, 80), 77, np.uint8))
    assert (read_image(even, (7, 3, 1)) == 77).all()
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    grey = read_image(saved(stripes), (8, 8, 1))
    assert grey.min() > 115  # no stripe is picked
    assert grey.max() < 140


def test_a_jpeg_read_at_a_fraction_is_near_to_the_whole(saved):
    y, x = np.mgrid[:480, :640]
    picture = np.stack([x * 255 // 640, y * 255 // 480, (x + y) % 256], 2)
    path = saved(picture.astype(np.uint8), "image.jpg", quality=95)
    with Image.open(path) as image:
        whole = image.resize((40, 30), Image.Resampling.BILINEAR)
    difference = read_image(path, (30, 40, 3)).astype(int) - np.asarray(whole)
    assert np.abs(difference).mean() < 2


def test_another_size_is_an_error_unless_it_may_be_resized(saved):
    with pytest.raises(BrokenImageError, match="6×9 pixels, not 9×6"):
        read_image(saved(GREY), (9, 6, 1), resize=False)


# -- files that are broken, or worse ------------------------------------------------


def png_of(width, height):
    """Return a PNG that states a size, with hardly any pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", head), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is no image of PNG, JPEG, BMP, GIF, TIFF, WEBP, PPM"),
        (b"hello", "is no image of PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no image of PNG"),
        (b"\x89PNG\r\n\x1a\n", "is no image|broken PNG|Truncated"),
        (png_of(60_000, 60_000), "exceeds limit of .* pixels"),
    ],
    ids=["empty", "text", "program", "head", "bomb"],
)
def test_what_is_no_image_is_refused_by_its_header(tmp_path, data, what):
    (tmp_path / "file.png").write_bytes(data)
    for function in (header_shape, lambda path: read_image(path, (6, 9, 1))):
        with pytest.raises(BrokenImageError, match=what):
            function(tmp_path / "file.png")


def test_no_file_is_waited_for(tmp_path):
    with pytest.raises(BrokenImageError, match="was not found"):
        header_shape(tmp_path / "none.png")
    with pytest.raises(BrokenImageError, match="directory"):
        header_shape(tmp_path)
    os.symlink("loop.png", tmp_path / "loop.png")
    with pytest.raises(BrokenImageError, match="symbolic links"):
        header_shape(tmp_path / "loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(BrokenImageError, match="Not a file but a pipe"):
        header_shape(tmp_path / "pipe.png")


def test_a_cut_file_is_refused(saved):
    noise = RNG.integers(0, 256, (60, 90), dtype=np.uint8)
    for name in ("image.png", "image.jpg", "image.bmp", "image.tif"):
        path = saved(noise, name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(BrokenImageError):
            read_image(path, (60, 90, 1))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), ending=st.sampled_from(["png", "jpg", "gif", "tif", "webp"]))
@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged metadata
def test_damage_is_refused_or_read_in_the_shape(saved, data, ending):
    path, good = saved(GREY, f"image.{ending}"), saved(GREY, "good.png")
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(
            st.integers(0, 255)
        )
    path.write_bytes(damaged)
    skipped = []
    got = read_images([path, good], (6, 9, 1), on_error="skip", skipped=skipped)
    assert got.shape == (2 - len(skipped), 6, 9, 1)
    np.testing.assert_array_equal(got[-1, ..., 0], GREY)
    assert all("\n" not in what for _, _, what in skipped)


# -- many files ---------------------------------------------------------------------


@pytest.fixture
def many(tmp_path):
    images = RNG.integers(0, 256, (150, 6, 9), dtype=np.uint8)
    paths = [tmp_path / f"{place}.png" for place in range(150)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths, images


def test_arrays_of_paths_are_read_in_their_order(many):
    paths, images = many
    assert common_shape(paths) == (6, 9, 1)
    np.testing.assert_array_equal(read_images(paths, (6, 9, 1))[..., 0], images)
    order = np.random.default_rng(1).permutation(150)
    shuffled = np.array(list(map(str, paths)))[order]
    np.testing.assert_array_equal(
        read_images(shuffled, (6, 9, 1))[..., 0], images[order]
    )
    assert read_images(paths[:0], (6, 9, 1)).shape == (0, 6, 9, 1)


@pytest.mark.exact
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.integers(0, 149), min_size=1, max_size=100))
def test_an_image_is_the_same_whatever_else_is_read(many, rows):
    paths, _ = many
    alone = [read_image(paths[row], (4, 5, 3)) for row in rows]
    together = read_images([paths[row] for row in rows], (4, 5, 3))
    np.testing.assert_array_equal(together, alone)


def test_several_threads_may_read_at_once(many):
    paths, images = many
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda _: read_images(paths, (6, 9, 1)), range(8)):
            np.testing.assert_array_equal(got[..., 0], images)


def test_a_forked_child_reads_with_threads_of_its_own(many):
    paths, images = many
    read_images(paths, (6, 9, 1))
    child = os.fork()
    if not child:
        done = threading.Timer(60, os._exit, [2])
        done.start()
        same = np.array_equal(read_images(paths, (6, 9, 1))[..., 0], images)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_image_shape_says_size_and_channels(many, saved):
    paths, _ = many
    assert common_shape(paths, "auto") == (6, 9, 1)
    assert common_shape(paths, (3, 4)) == (3, 4, 1)
    assert common_shape(["/nowhere"], (3, 4, 4)) == (3, 4, 4)
    mixed = [*paths, saved(COLOUR, "colour.png")]
    assert common_shape(mixed) == (6, 9, 3)
    assert read_images(mixed, (6, 9, 3)).shape == (151, 6, 9, 3)
    with pytest.raises(ValueError, match="with 1, 3 or 4 channels"):
        common_shape(paths, (3, 4, 2))
    with pytest.raises(ValueError, match="There is no image file"):
        common_shape([])


def test_several_sizes_are_told_with_examples(many, saved):
    paths, _ = many
    odd = [saved(GREY[:5], "low.png"), saved(GREY.T.copy(), "high.png")]
    with pytest.raises(ValueError, match="have 3 sizes") as caught:
        common_shape([odd[0], *paths, odd[1]])
    told = str(caught.value)
    assert f"6×9 (150, as {str(paths[0])!r})" in told
    assert f"5×9 (1, as {str(odd[0])!r})" in told
    assert f"9×6 (1, as {str(odd[1])!r})" in told
    assert told.endswith("such as image_shape=(6, 9).")
    assert "\n" not in told


def test_very_many_sizes_are_counted(tmp_path):
    paths = [tmp_path / f"{width}.png" for width in range(1, 31)]
    for width, path in enumerate(paths, 1):
        Image.new("L", (width, 2)).save(path)
    with pytest.raises(ValueError, match=r"have 30 sizes.* and 10 more\. Say to"):
        common_shape(paths)


def test_all_broken_files_are_named(many):
    paths, images = many
    for place in (3, 77, 149):
        paths[place].write_bytes(b"broken")
    paths[100].unlink()
    for function in (common_shape, lambda paths: read_images(paths, (6, 9, 1))):
        with pytest.raises(ImageFileError, match="4 of 150 image files") as caught:
            function(paths)
        for place in (3, 77, 100, 149):
            assert repr(str(paths[place])) in str(caught.value)
        assert [name for name, _ in caught.value.files] == [
            str(paths[place]) for place in (3, 77, 100, 149)
        ]
        assert caught.value.files[2][1] == "was not found"
        again = pickle.loads(pickle.dumps(caught.value))
        assert again.files == caught.value.files
    skipped = []
    got = read_images(paths, (6, 9, 1), on_error="skip", skipped=skipped)
    assert [place for place, _, _ in skipped] == [3, 77, 100, 149]
    kept = np.delete(images, [3, 77, 100, 149], axis=0)
    np.testing.assert_array_equal(got[..., 0], kept)
    assert common_shape(paths, on_error="skip", skipped=(found := [])) == (6, 9, 1)
    assert found == skipped


def test_a_long_list_of_broken_files_is_cut(tmp_path):
    paths = [tmp_path / f"{place}.png" for place in range(50)]
    with pytest.raises(ImageFileError, match=r"50 of 50 .* and 30 more\.") as caught:
        read_images(paths, (6, 9, 1))
    assert str(caught.value).count("was not found") == 20
    assert len(caught.value.files) == 50
    with pytest.raises(ImageFileError):  # there would be nothing left
        read_images(paths, (6, 9, 1), on_error="skip")


def test_what_is_an_array_of_paths(tmp_path):
    import pandas as pd

    here = str(tmp_path)
    for yes in (
        [here],
        [tmp_path, here],
        (here,),
        [[here], [here]],
        np.array([here]),
        np.array([[here]]),
        np.array([tmp_path], object),
        pd.Series([here]),
        pd.DataFrame({"file": [here, here]}),
    ):
        assert is_path_array(yes), yes
        assert set(paths_of(yes)) == {here}
    for no in (
        here,
        tmp_path,
        [],
        [1],
        [here, 1],
        [here, None],
        [b"bytes"],
        np.zeros(3),
        np.array([[here, here]]),
        np.array(here),
        {here: 1},
        {here},
        None,
        5,
        len,
        pd.Series([1]),
        pd.DataFrame({"a": [here], "b": [here]}),
    ):
        assert not is_path_array(no), no
