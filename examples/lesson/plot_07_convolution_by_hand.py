"""
Convolution by hand, and max pooling
====================================

In a dense layer each unit has a weight for each pixel. What it learns about a stroke in
one corner, it has to learn again for every other place, and it takes very many weights.
A convolution has one small kernel, and slides it over the picture: the same few weights
at each position. Before a net learns its kernels (the next chapters), we choose them
ourselves and look at what they compute, in one dimension and in two.

Then max pooling: what it leaves, what it saves, and what it buys when a digit is not
quite where the last one was.

.. code-block:: sh

    python examples/lesson/plot_07_convolution_by_hand.py [--dataset mnist] [--full]

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", 1998, has the reasons: local kernels, shared weights, subsampling.
"""

# %%
# One dimension: a weighted mean that slides
# ------------------------------------------
# A noisy curve, and a layer whose kernel is a Gaussian with a sum of 1. At each
# position the layer gives the mean of the 31 values around it, the nearest weighted
# most. The noise averages out, the slow curve stays.
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from sknn_mnist.builders import build_cnn
from sknn_mnist.lesson import arguments, claim, load, save

import keras  # after sknn_mnist, which starts TensorFlow without its chatter

args = arguments(__doc__)
rng = np.random.default_rng(0)
t = np.linspace(0, 4 * np.pi, 300)
behind = np.sin(t)
noisy = behind + rng.normal(scale=0.4, size=t.shape)
gaussian = np.exp(-0.5 * (np.arange(-15, 16) / 5.0) ** 2)
gaussian /= gaussian.sum()


def fixed(layer, kernel, shape):
    """Return a net of one convolution, its kernel ours."""
    net = keras.Sequential([keras.layers.Input(shape), layer])
    layer.set_weights([kernel])
    return net


smooth = fixed(
    keras.layers.Conv1D(1, 31, padding="same", use_bias=False),
    gaussian[:, None, None],
    (300, 1),
)
smoothed = np.asarray(smooth(noisy[None, :, None]))[0, :, 0]

# %%
# By hand it is a loop: lay the kernel over the values, multiply, sum up, move on by
# one. At both ends zeros stand for what is not there (``padding="same"``). In
# mathematics a convolution lays the kernel down mirrored. To a net, which learns its
# kernels, that makes no difference, and Keras leaves it out.
padded = np.pad(noisy, 15)
by_hand = [padded[place : place + 31] @ gaussian for place in range(300)]
claim("Conv1D is this loop", np.allclose(smoothed, by_hand, atol=1e-5))


def distance(curve):
    """Return how far a curve is from what is behind it: root of the mean square."""
    return np.sqrt(np.mean((curve - behind) ** 2))


print(
    f"distance from the sine: {distance(noisy):.3f}, smoothed {distance(smoothed):.3f}"
)
claim("smoothing takes most of the noise", distance(smoothed) < distance(noisy) / 2)
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(t, noisy, ".", color="#0072B2", markersize=4, label="noisy")
ax.plot(t, smoothed, color="#D55E00", linewidth=2, label="after Conv1D")
ax.plot(t, behind, "--", color="black", linewidth=1.2, label="what is behind it")
figure.legend(loc="outside upper center", ncols=3)
save(figure, args, "07_smoothing_1d")

# %%
# Two dimensions: three kernels, three maps
# -----------------------------------------
# A kernel is now a small picture. It gives a large value where the image looks like
# it. A Gaussian smooths. Sobel's kernels have negative weights on one side and positive
# ones on the other: they give 0 where nothing changes, and much at an edge, one from
# left to right and one from top to bottom.
X_train, *_ = load(args, layout="image")
images = X_train[:200, ..., None]
blur = np.outer(*[[1, 4, 6, 4, 1]] * 2) / 256
sobel = np.zeros((5, 5))
sobel[1:4, 1:4] = np.outer([1, 2, 1], [-1, 0, 1]) / 4
kernels = np.stack([blur, sobel, sobel.T], axis=-1)[:, :, None, :]
by_kernels = fixed(
    keras.layers.Conv2D(3, 5, padding="same", use_bias=False), kernels, (28, 28, 1)
)
maps = np.asarray(by_kernels(images))
print("Sobel's kernel, from left to right (the other is the same, turned):")
print(sobel[1:4, 1:4])

# %%
# Max pooling keeps the largest of each 2×2 window: half the size, and the strokes stay.
pooled = np.asarray(keras.layers.MaxPooling2D(2)(images))
by_hand = images.reshape(-1, 14, 2, 14, 2, 1).max(axis=(2, 4))
claim("max pooling is the largest of each window", np.array_equal(pooled, by_hand))

titles = ["image", "smoothed", "gradient →", "gradient ↓", "max pooling"]
figure, axes = plt.subplots(4, 5, figsize=(7, 6), layout="constrained")
for row, image, result, small in zip(axes, images, maps, pooled, strict=False):
    row[0].imshow(image[..., 0], cmap="gray_r")
    row[1].imshow(result[..., 0], cmap="gray_r")
    for ax, gradient in zip(row[2:4], result[..., 1:].transpose(2, 0, 1), strict=True):
        ax.imshow(gradient, cmap="PuOr_r", vmin=-1, vmax=1)
    row[4].imshow(small[..., 0], cmap="gray_r")
for ax, title in zip(axes[0], titles, strict=True):
    ax.set_title(title)
for ax in axes.flat:
    ax.set_axis_off()
save(figure, args, "07_convolution_2d")

# %%
# The gradients are drawn with white as 0: where ink begins, seen from the left or from
# above, they are positive, orange, and where it ends negative, violet. A stroke that
# goes straight down has no edge from top to bottom but at its ends, as a bar drawn by
# hand shows.
bar = np.zeros((1, 28, 28, 1))
bar[:, 4:24, 12:16] = 1
of_bar = np.abs(np.asarray(by_kernels(bar))[0, 8:20])
claim("of an upright bar's middle, → sees the edges", of_bar[..., 1].max() > 0.9)
claim("and ↓ sees nothing", of_bar[..., 2].max() < 1e-6)

# %%
# The same weights everywhere
# ---------------------------
# Since the kernel is the same at each position, a digit that is moved gives the same
# maps, moved. A dense layer knows nothing of this: each of its units has weights of its
# own for each pixel. That is also why a convolution takes so few weights.


def moved(images, pixels):
    """Return images moved to the right, with paper coming in from the left."""
    return np.pad(images, ((0, 0), (0, 0), (pixels, 0), (0, 0)))[:, :, :28]


# Two columns at each side would see paper that was not there before.
same = np.allclose(
    np.asarray(by_kernels(moved(images, 3)))[:, :, 5:26], maps[:, :, 2:23], atol=1e-5
)
claim("the maps of a moved digit are its maps, moved", same)

convolution = keras.Sequential(
    [keras.layers.Input((28, 28, 1)), keras.layers.Conv2D(3, 5, padding="same")]
)
# A dense layer with as many outputs: each has a weight per pixel, and a bias.
as_dense = (28 * 28 + 1) * 28 * 28 * 3
print(f"three maps: {convolution.count_params()} parameters by convolution")
print(f"            {as_dense:,} by a dense layer of as many units")
claim(
    "78 instead of 1,846,320", (convolution.count_params(), as_dense) == (78, 1846320)
)

# %%
# What pooling buys: fewer values
# -------------------------------
# Each 2×2 window leaves one value of four. The layers after it have less to compute,
# and a dense layer at the end has far fewer parameters. Here is the tiny net of a later
# chapter, with its two poolings and without.
for window in (1, 2):
    net = build_cnn(pool_size=window)
    shape = net.get_layer("flatten").input.shape[1:]
    print(f"windows of {window}×{window}: {' × '.join(map(str, shape))} values", end="")
    print(f" before the dense layer, {net.count_params():,} parameters in all")
claim(
    "1,189,930 without, 61,482 with", build_cnn(pool_size=1).count_params() == 1189930
)

# %%
# What pooling buys: tolerance
# ----------------------------
# Nobody writes a digit twice at the same place. Move the digits by a pixel or more, and
# see how much of their gradients' maps changes: 0 means nothing, 1 that the difference
# is as large as the maps themselves. The larger the window, the less changes.


def pooled_gradients(images, window):
    """Return how steep it is at most in each window, whichever way it goes."""
    gradients = np.abs(np.asarray(by_kernels(images))[..., 1:])
    return np.asarray(keras.layers.MaxPooling2D(window)(gradients))


def size(maps):
    """Return how large each image's maps are: root of the sum of squares."""
    return np.sqrt((maps**2).sum(axis=(1, 2, 3)))


shifts = np.arange(5)
changes = {}
for window in (1, 2, 4, 7):
    still = pooled_gradients(images, window)
    changes[window] = [
        (size(pooled_gradients(moved(images, by), window) - still) / size(still)).mean()
        for by in shifts
    ]
    print(f"{window}×{window}: {changes[window][1]:.2f} of it changes by one pixel")
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
names = {1: "no pooling", 2: "2×2", 4: "4×4", 7: "7×7"}
for (window, changed), marker in zip(changes.items(), "osD^", strict=True):
    ax.plot(shifts, changed, marker=marker, label=names[window])
ax.set_xlabel("moved by so many pixels")
ax.set_ylabel("change of the maps")
ax.set_xticks(shifts)
ax.grid(alpha=0.3)
figure.legend(loc="outside upper center", ncols=4)
save(figure, args, "07_pooling_and_shifts")
by_one = [changed[1] for changed in changes.values()]
claim(
    "moved by a pixel, the larger the windows the less changes",
    all(more > less for more, less in pairwise(by_one)),
)
claim("with 7×7, less than half as much as without", by_one[3] < by_one[0] / 2)

# %%
# The tolerance is for small moves, and it has its price: where in the window the edge
# was, the next layer can't know. So nets pool by little and several times, with
# convolutions between, that put edges together to strokes while their places are known.

# %%
# Try it
# ------
# What does the kernel ``[[0, 0, 0], [0, 1, 0], [0, 0, 0]]`` compute? And which image
# comes out where all nine numbers are 1/9, and the layer is applied ten times over?
#
# .. dropdown:: Answer
#
#    The first gives each pixel back: the map is the image. The second is a mean of nine
#    pixels, and so a blur. Ten of them are a blur about as wide as a Gaussian kernel
#    with a standard deviation of 2.6 pixels, the root of 10 · 2/3: means of means come
#    near to a Gaussian, by the central limit theorem. So ten convolutions without an
#    activation are one convolution, with a larger kernel. That is why nets put
#    something between them that is not linear, such as ``relu``.
