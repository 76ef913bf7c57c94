"""A network's first layer may bring pixels of 0 to 255 to [0, 1]."""

import re

import keras
import numpy as np
import pytest

from sknn_mnist.builders import build_cnn, build_dense

BYTES = np.arange(256, dtype="uint8")
# 16 images of 4×4 hold each value once.
IMAGES = BYTES.reshape(16, 4, 4, 1)
SHAPES = {build_dense: (16,), build_cnn: (4, 4, 1)}

builders = pytest.mark.parametrize("build", [build_dense, build_cnn])


def brought(build, dtype):
    """Return what the layer after the first gets of each byte."""
    net = build(SHAPES[build], rescaling=1 / 255, dtype=dtype, seed=0)
    assert [layer.name for layer in net.layers].index("rescaling") == 0
    after = net.layers[1]
    came = []
    given = after.call

    def call(inputs, *args, **kwargs):
        came.append(inputs)
        return given(inputs, *args, **kwargs)

    after.call = call
    net(IMAGES.reshape(16, *SHAPES[build]))
    (values,) = came
    assert values.dtype == keras.dtype_policies.get(dtype).compute_dtype
    return keras.ops.convert_to_numpy(keras.ops.cast(values, "float64")).ravel()


@pytest.mark.exact
@builders
@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "mixed_bfloat16", "mixed_float16"]
)
def test_bytes_come_as_a_division_by_255_gives_them(build, dtype):
    outer, inner = "float32", keras.dtype_policies.get(dtype).compute_dtype
    if dtype == "float64":
        outer = "float64"
    divided = BYTES.astype(outer) / np.array(255, dtype=outer)
    expected = keras.ops.cast(keras.ops.cast(divided, inner), "float64")
    values = brought(build, dtype)
    if dtype == "float64":
        # One bit in the last of 53.
        np.testing.assert_array_max_ulp(values, divided, maxulp=1)
    else:
        assert np.array_equal(values, keras.ops.convert_to_numpy(expected))


@pytest.mark.exact
@builders
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_predictions_are_those_of_divided_pixels(build, dtype):
    shape = SHAPES[build]
    images = IMAGES.reshape(16, *shape)
    net = build(shape, rescaling=1 / 255, dtype=dtype, seed=0)
    plain = build(shape, dtype=dtype, seed=0)
    expected = plain.predict(images.astype("float32") / np.float32(255), verbose=0)
    for given in (images, images.astype("float32"), images.astype("int64")):
        assert np.array_equal(net.predict(given, verbose=0), expected)


@pytest.mark.exact
@builders
def test_weights_start_as_without_it(build):
    pair = [build(dropout=0.5, seed=3, rescaling=each) for each in (None, 0.5)]
    plain, rescaled = ([v.numpy() for v in net.variables] for net in pair)
    assert all(map(np.array_equal, plain, rescaled))
    assert len(plain) == len(rescaled)


@builders
def test_a_network_with_it_is_saved_by_keras(build, tmp_path):
    net = build(SHAPES[build], rescaling=1 / 255, seed=0)
    net.save(tmp_path / "net.keras")
    images = IMAGES.reshape(16, *SHAPES[build])
    again = keras.saving.load_model(tmp_path / "net.keras")
    assert np.array_equal(
        again.predict(images, verbose=0), net.predict(images, verbose=0)
    )


def test_it_comes_before_images_are_flattened():
    net = build_dense((4, 4), rescaling=2)
    assert [layer.name for layer in net.layers][:2] == ["rescaling", "flatten"]


@builders
def test_without_it_there_is_no_layer(build):
    assert "rescaling" not in {layer.name for layer in build().layers}


@builders
@pytest.mark.parametrize("bad", [0, "auto", float("nan"), float("inf"), True, [1]])
def test_bad_factors_are_named(build, bad):
    message = re.escape(
        f"The 'rescaling' parameter of {build.__name__} must be a finite number other "
        f"than 0, or None. Got {bad!r} instead."
    )
    with pytest.raises(ValueError, match=message):
        build(rescaling=bad)
