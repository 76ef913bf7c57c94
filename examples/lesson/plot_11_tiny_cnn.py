"""
The tiny convolutional net, parameter by parameter
==================================================

Is a net with more parameters a better net? Here are two for the same task. A dense net
of two layers of 1024 units, with dropout: 1,863,690 parameters. And a tiny
convolutional one, two blocks of convolution and max pooling and one hidden layer:
61,482, a thirtieth. The dense net can weigh every pixel against every other. The
convolutional one is told what we know about images: what is near belongs together, and
a stroke is a stroke wherever it is. What is built in need not be learned, and costs no
parameters.

.. code-block:: sh

    python examples/lesson/plot_11_tiny_cnn.py [--dataset mnist] [--full]

After Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
document recognition", 1998, and N. Srivastava and others, "Dropout: a simple way to
prevent neural networks from overfitting", 2014.
"""

# %%
# The tiny net
# ------------
# A kernel of 3×3 for each pair of a map that is read and a filter, and a bias for each
# filter. Each convolution takes off a margin of one pixel at each edge, each pooling
# halves the sides, and rounds down: 28, 26, 13, 11, 5.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.builders import build_cnn, build_dense
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, claim, load, save

args = arguments(__doc__)
tiny = build_cnn(filters=(32, 32), hidden_size=64)
tiny.summary(line_length=72)

# %%
# The dense net
# -------------
# A weight for each pair of a value that is read and a unit, and a bias for each unit.
# Dropout and pooling have no parameters.
wide = build_dense(hidden_size=(1024, 1024), dropout=0.5)
wide.summary(line_length=72)

# %%
# Both tables, side by side
# -------------------------
# How each number comes about:
SUMS = {
    "CNN": {
        "conv_1": "3·3·1·32 + 32",
        "conv_2": "3·3·32·32 + 32",
        "hidden_1": "5·5·32·64 + 64",
        "output": "64·10 + 10",
    },
    "dense net": {
        "hidden_1": "28·28·1024 + 1024",
        "hidden_2": "1024·1024 + 1024",
        "output": "1024·10 + 10",
    },
}
columns = {}
for (name, sums), net in zip(SUMS.items(), (tiny, wide), strict=True):
    counts = {each.name: each.count_params() for each in net.layers}
    for layer, text in sums.items():
        right = counts[layer] == eval(text.replace("·", "*"))
        claim(f"{name}, {layer}: {text} = {counts[layer]:,}", right)
    columns[name] = [*counts, "total"]
    columns[f"parameters of the {name}"] = [
        f"{each:,}" for each in (*counts.values(), net.count_params())
    ]
rows = max(map(len, columns.values()))
table = pd.DataFrame(
    {
        name: each[:-1] + [""] * (rows - len(each)) + each[-1:]
        for name, each in columns.items()
    }
)
headers = ["CNN", "parameters", "dense net", "parameters"]
print(
    table.to_markdown(
        index=False, headers=headers, disable_numparse=True, stralign="right"
    )
)
claim(
    "61,482 beside 1,863,690",
    (tiny.count_params(), wide.count_params()) == (61482, 1863690),
)

# %%
# As a picture, on one scale:
figure, axes = plt.subplots(
    2, 1, figsize=(6.4, 4.6), sharex=True, height_ratios=[4, 3], layout="constrained"
)
for ax, net, colour in zip(axes, (tiny, wide), ("#0072B2", "#D55E00"), strict=True):
    weighted = [each for each in net.layers if each.count_params()]
    counts = [each.count_params() for each in weighted]
    bars = ax.barh(np.arange(len(counts)), counts, color=colour)
    ax.bar_label(bars, [f"{each:,}" for each in counts], padding=3)
    ax.set_yticks(np.arange(len(counts)), [each.name for each in weighted])
    ax.invert_yaxis()
    ax.set_title(f"{'CNN' if net is tiny else 'dense net'}: {net.count_params():,}")
    ax.spines[["top", "right"]].set_visible(False)
axes[1].set_xlim(0, 1_300_000)
axes[1].set_xticks([0, 500_000, 1_000_000], ["0", "0.5 million", "1 million"])
save(figure, args, "11_parameters")

# %%
# Even in the tiny net most parameters are not in the convolutions: the first dense
# layer, which reads all positions of all maps, has five of six.
hidden = tiny.get_layer("hidden_1").count_params() / tiny.count_params()
claim(f"{hidden:.0%} of the CNN's parameters are in hidden_1", 0.8 < hidden < 0.85)

# %%
# What they learn
# ---------------
# Both on the same images, a fifth of them held out.
X_train, X_test, y_train, y_test = load(args, layout="image")
flat = X_train.reshape(len(X_train), -1), X_test.reshape(len(X_test), -1)
on_mnist = args.dataset == "mnist"
options = {
    "epochs": (5 if args.full else 8) if on_mnist else 10,
    "batch_size": 128 if on_mnist else 32,
    "validation_split": 0.2,
    "random_state": 0,
}
cnn = CNNClassifier(filters=(32, 32), hidden_size=64, **options).fit(X_train, y_train)
dense = DenseClassifier(hidden_size=(1024, 1024), dropout=0.5, **options)
dense.fit(flat[0], y_train)
scores = {"CNN": cnn.score(X_test, y_test), "dense net": dense.score(flat[1], y_test)}
for name, score in scores.items():
    print(f"{name}, accuracy on the test set: {score:.4f}")
display = HistoryDisplay.from_estimator({"CNN": cnn, "dense net": dense}).plot()
save(display.figure_, args, "11_tiny_cnn")

# %%
# On the bundled digits, a thousand images of ten classes, the dense net leads at first:
# its many units find something useful at once, while the CNN has kernels to find. In
# the end the tiny net is as good, with a thirtieth of the parameters. On MNIST it has
# the steps that it needs, and with all of the images it is the better one.
held_out = {
    "CNN": cnn.history_["val_accuracy"],
    "dense net": dense.history_["val_accuracy"],
}
if not args.full or not on_mnist:
    claim(
        "after the first epoch the dense net is ahead on held-out images",
        held_out["dense net"][0] > held_out["CNN"][0],
    )
claim(
    "in the end the CNN's accuracy is as good, within 1.5 points (of 100), or better",
    scores["CNN"] > scores["dense net"] - 0.015,
)
if args.full and on_mnist:
    claim(
        "on all of MNIST the CNN gets more of the test set right",
        scores["CNN"] > scores["dense net"],
    )

# %%
# In training the dense net looks worse than it is: its training curve is measured with
# half of its units dropped, and while the epoch is still going on; the dashed one with
# all units, and at its end.
claim(
    "the dense net does better held out than in training, over all epochs",
    np.mean(held_out["dense net"]) > np.mean(dense.history_["accuracy"]),
)

# %%
# Try it
# ------
# The CNN has a thirtieth of the parameters. Does it also take a thirtieth of the work?
# Count the multiplications for one image, as the chapter on AlexNet does.
#
# .. dropdown:: Answer
#
#    No. A dense layer uses each weight once: 784·1024 + 1024·1024 + 1024·10 = 1,861,632
#    multiplications. A convolution uses its weights at each position: 26·26·(3·3·1·32)
#    + 11·11·(3·3·32·32) in the two convolutions, with the dense layers 1,361,664 in
#    all. A thirtieth of the parameters, but nearly three quarters of the work.
