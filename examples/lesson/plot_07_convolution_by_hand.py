"""
Convolution by hand, and max pooling
====================================

Before a net learns its kernels: what does a convolution with a kernel that we choose?
Smoothing in one dimension and in two, gradients, and what max pooling leaves.

.. code-block:: sh

    python examples/lesson/plot_07_convolution_by_hand.py [--dataset mnist] [--full]
"""

# %%
# One dimension: a noisy curve, and a layer whose kernel is a Gaussian.
import matplotlib.pyplot as plt
import numpy as np

import sknn_mnist.builders  # noqa: F401
from sknn_mnist.lesson import arguments, load, save

# isort: split
import keras  # after sknn_mnist, which starts TensorFlow without its chatter

args = arguments(__doc__)
rng = np.random.default_rng(0)
t = np.linspace(0, 4 * np.pi, 300)
noisy = np.sin(t) + rng.normal(scale=0.4, size=t.shape)
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
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(t, noisy, ".", color="#0072B2", markersize=3, label="noisy")
ax.plot(
    t,
    np.asarray(smooth(noisy[None, :, None]))[0, :, 0],
    color="#D55E00",
    label="after Conv1D with a Gaussian kernel",
)
ax.plot(t, np.sin(t), "--", color="black", linewidth=1, label="what is behind it")
ax.legend(fontsize="small")
save(figure, args, "07_smoothing_1d")

# %%
# Two dimensions: one layer of three kernels. A Gaussian smooths; Sobel's kernels are
# gradients, from left to right and from top to bottom.
X_train, *_ = load(args, layout="image")
images = X_train[:4].reshape(-1, 28, 28, 1)
blur = np.outer(*[[1, 4, 6, 4, 1]] * 2) / 256
sobel = np.zeros((5, 5))
sobel[1:4, 1:4] = np.outer([1, 2, 1], [-1, 0, 1]) / 4
kernels = np.stack([blur, sobel, sobel.T], axis=-1)[:, :, None, :]
net = fixed(
    keras.layers.Conv2D(3, 5, padding="same", use_bias=False), kernels, (28, 28, 1)
)
maps = np.asarray(net(images))

# %%
# Max pooling keeps the largest of each 2×2 window: half the size, and the strokes stay.
pooled = np.asarray(keras.layers.MaxPooling2D(2)(images))

titles = ["image", "smoothed", "gradient →", "gradient ↓", "max pooling 2×2"]
figure, axes = plt.subplots(len(images), 5, figsize=(8, 6.6), layout="constrained")
for row, image, result, small in zip(axes, images, maps, pooled, strict=True):
    row[0].imshow(image[..., 0], cmap="gray_r")
    row[1].imshow(result[..., 0], cmap="gray_r")
    for ax, gradient in zip(row[2:4], result[..., 1:].transpose(2, 0, 1), strict=True):
        ax.imshow(gradient, cmap="PuOr", vmin=-1, vmax=1)
    row[4].imshow(small[..., 0], cmap="gray_r")
for ax, title in zip(axes[0], titles, strict=True):
    ax.set_title(title, fontsize="medium")
for ax in axes.flat:
    ax.set_axis_off()
save(figure, args, "07_convolution_2d")
