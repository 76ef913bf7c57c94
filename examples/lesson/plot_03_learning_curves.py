"""
Learning curves
===============

How many epochs are enough, and how many are too many? The net itself does not know: its
loss on the training images gets better and better, as long as one lets it. So look at
the loss on held-out images beside it, after each epoch. At first both fall: what the
net learns holds for other images too. Then they part. Where the held-out loss falls no
more, or rises, what the net still learns is true of its training images alone: it
*overfits*.

.. code-block:: sh

    python examples/lesson/plot_03_learning_curves.py [--dataset mnist] [--full]

Sources: L. Prechelt, "Early stopping, but when?", 1998. C. Guo, G. Pleiss, Y. Sun and
K. Weinberger, "On calibration of modern neural networks", 2017.
"""

# %%
# A history of 100 epochs
# -----------------------
# A net that is large for its data, trained for too long, on purpose. A fifth of the
# images is held out. Keras notes loss and accuracy after each epoch; a fitted net has
# them in ``history_``, a list for each. The axis of the loss is logarithmic here: from
# one power of ten to the next the loss is a tenth, so that small losses can be told
# apart.
import numpy as np

from sknn_mnist import DenseClassifier
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, claim, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)


def trained(hidden_size):
    """Return a net of this width, after 100 epochs."""
    return DenseClassifier(
        hidden_size=hidden_size,
        batch_size=128 if len(X_train) > 10_000 else 32,
        epochs=100,
        validation_split=0.2,
        random_state=0,
    ).fit(X_train, y_train)


clf = trained(256)
history = {name: np.array(values) for name, values in clf.history_.items()}
print({name: values.shape for name, values in history.items()})
display = HistoryDisplay.from_estimator(clf).plot()
display.ax_[0].set_yscale("log")
save(display.figure_, args, "03_learning_curves")

# %%
# What the curves show
# --------------------
# The training loss falls to the end. (On the bundled digits it has bumps, where some of
# Adam's steps went too far: with ``learning_rate=0.0003``, a third, they are gone.) The
# held-out loss falls too, and then stops. It wavers, since it comes from few images, so
# look at means of twenty epochs. On MNIST, with ``--dataset mnist``, it even rises
# again.
loss, val_loss = history["loss"], history["val_loss"]
for begin in range(0, 100, 20):
    part = slice(begin, begin + 20)
    print(
        f"epochs {begin + 1:2} to {begin + 20:3}: training loss "
        f"{loss[part].mean():.2g}, held-out loss {val_loss[part].mean():.3f}"
    )
claim(
    "after epoch 40 the training loss still falls, to less than a third",
    loss[-1] < loss[39] / 3,
)
claim(
    "the held-out loss does not follow: from epochs 21 to 40 to the last 20 epochs it "
    "falls by less than a tenth, or rises",
    val_loss[80:].mean() > 0.9 * val_loss[20:40].mean(),
)
claim(
    "its lowest point is in the first 80 epochs, and the net trained on",
    val_loss.argmin() < 80,
)
if args.dataset == "mnist":
    claim(
        "at the end it has risen by more than a tenth from there",
        val_loss[-1] > 1.1 * val_loss.min(),
    )
claim(
    "at the end the held-out loss is more than ten times the training loss",
    val_loss[-1] > 10 * loss[-1],
)

# %%
# Overfitting is not a fall in accuracy
# -------------------------------------
# Even where the held-out loss rises, the accuracy hardly changes. Accuracy counts what
# is right; the loss also asks how sure the net was. A net that has trained for too long
# gets about the same images wrong, and is surer of its mistakes (Guo and others). If
# you only want the answer, you may not mind. If you want to know how sure it is, you
# have to.
val_accuracy = history["val_accuracy"]
print(f"held-out accuracy, epochs 21 to 40: {val_accuracy[20:40].mean():.4f}")
print(f"held-out accuracy, the last twenty: {val_accuracy[80:].mean():.4f}")
claim(
    "the two differ by less than 2 points",
    abs(val_accuracy[80:].mean() - val_accuracy[20:40].mean()) < 0.02,
)
print(f"accuracy on the test set: {clf.score(X_test, y_test):.4f}")

# %%
# Small nets and large ones
# -------------------------
# A small net has less room to learn by heart. But a net can also be too small: it fits
# too little, and even its training loss stays high. That is called *underfitting*. Here
# are the losses of three nets.
nets = {"8 units": trained(8), "32 units": trained(32), "256 units": clf}
display = HistoryDisplay.from_estimator(nets).plot(metrics="loss")
display.ax_.set_yscale("log")
save(display.figure_, args, "03_learning_curves_compared")

ends = {
    name: (np.mean(net.history_["loss"][-20:]), np.mean(net.history_["val_loss"][-20:]))
    for name, net in nets.items()
}
for name, (on_training, held_out) in ends.items():
    print(f"{name:>9}: training loss {on_training:.2g}, held-out loss {held_out:.3f}")
small, middle, large = (held_out / training for training, held_out in ends.values())
claim(
    "the larger the net, the more times its training loss the held-out loss is",
    small < middle < large,
)
claim(
    "and yet the largest has the lowest held-out loss",
    ends["256 units"][1] < min(ends["8 units"][1], ends["32 units"][1]),
)
if args.dataset == "digits":
    claim(
        "8 units underfit: their loss on images that they were trained on is higher "
        "than that of 256 units on held-out images",
        ends["8 units"][0] > ends["256 units"][1],
    )

# %%
# Or has the net of 8 units only not finished?
slow = np.array(nets["8 units"].history_["loss"])
print(f"8 units, training loss, epochs 61 to 80:  {slow[60:80].mean():.3f}")
print(f"8 units, training loss, epochs 81 to 100: {slow[80:].mean():.3f}")
claim("its training loss still falls", slow[80:].mean() < slow[60:80].mean())

# %%
# In part: on the bundled digits, 400 epochs bring its training loss to about 0.14. But
# its held-out loss stops at about 0.25 then, more than twice that of 256 units. 8 units
# are too few.

# %%
# So a net that overfits may still be the better net, and one that does not may be too
# small. What to do about it: more images, or images changed a little
# (:doc:`augmentation </examples/further/plot_22_augmentation>`); stopping where the
# held-out loss is lowest (:doc:`stopping in time
# </examples/further/plot_21_stopping_in_time>`); or making it harder to learn by heart
# (:doc:`dropout </examples/lesson/plot_06_dropout>`).

# %%
# Try it
# ------
# Would a quarter of the training images make the overfitting better or worse? Fit
# ``X_train[:287]`` of the bundled digits, and give the last 287 rows as ``X_val`` and
# ``y_val`` (the net above: ``X_train[:1150]``, with the same ``X_val``).
#
# .. dropdown:: Answer
#
#    Worse. With 287 images the held-out loss ends at about 0.16, with 1,150 at about
#    0.11, and the accuracy at about 0.94 and 0.97. In both cases the training loss goes
#    to about 0: few images are learnt by heart as easily, and say less about others.
#    More images are the best means against overfitting, where they can be had.
