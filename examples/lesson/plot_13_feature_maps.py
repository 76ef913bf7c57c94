"""
What a convolutional net sees
=============================

A net that is right nine times of ten may be right for a wrong reason. Four pictures ask
it why: the **feature maps** of an image through the layers, **occlusion** and
**saliency**, which ask what a decision hangs on, and the **mistakes**. Each answers
another question, and each can be read wrongly.

.. code-block:: sh

    python examples/lesson/plot_13_feature_maps.py [--dataset mnist] [--full]
"""

# %%
# The net
# -------
# Twice eight filters, so that all of its maps can be looked at.
import numpy as np

from sknn_mnist import CNNClassifier
from sknn_mnist.display import (
    FeatureMapsDisplay,
    MistakesDisplay,
    SensitivityDisplay,
)
from sknn_mnist.inspection import feature_maps, gradient_saliency, occlusion
from sknn_mnist.lesson import arguments, claim, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
cnn = CNNClassifier(filters=(8, 8), epochs=5 if args.full else 12, random_state=0)
cnn.fit(X_train, y_train)
print(f"accuracy on the test set: {cnn.score(X_test, y_test):.4f}")

# %%
# Feature maps
# ------------
# A feature map is what one filter makes of the image: bright where it answers. One row
# per image, one column per filter. In the first convolution many maps are simply the
# digit. Some show its edges on one side, some are dim.
for layer in ("conv_1", "pool_1", "conv_2"):
    display = FeatureMapsDisplay.from_estimator(cnn, X_test[:4], layer).plot()
    save(display.figure_, args, f"13_feature_maps_{layer}")

# %%
# Pooling halves the sides and keeps the strongest answer of each 2×2 places.
maps, pooled = (feature_maps(cnn, X_test[:100], name) for name in ("conv_1", "pool_1"))
print("maps:", maps.shape[1:], "pooled:", pooled.shape[1:])
claim("after a relu no map is negative", maps.min() == 0)
claim(
    "pooling keeps the strongest answer of each map",
    np.array_equal(maps.max(axis=(1, 2)), pooled.max(axis=(1, 2))),
)

# %%
# A filter of the second convolution sees 8×8 pixels, enough for a corner, a bow, the
# end of a stroke. But several of its maps are still the whole digit; others are one
# side of it, or pieces. After so short a training the filters have not specialised
# much. How alike is each map to the digit itself, made as coarse? A correlation of 1
# is the same picture.
second = np.moveaxis(feature_maps(cnn, X_test[:100], "conv_2"), -1, 0)
coarse = X_test[:100, 3:25, 3:25].reshape(-1, 11, 2, 11, 2).mean(axis=(2, 4))
alike = np.corrcoef([coarse.ravel(), *second.reshape(8, -1)])[0, 1:]
print("correlation of each map with the digit:", alike.round(2))
claim("some maps are much like the digit", alike.max() > 0.5)
claim("others are far less so", alike.min() < alike.max() - 0.3)

# %%
# Where it misleads: a bright map is an answer, not a reason. What the layers after it
# make of it, the picture does not say. And each row has its own scale of colours, so
# that a map which is bright here may be dim beside another image's.
#
# Occlusion
# ---------
# So ask for reasons. Hide a patch of the image, and see what the probability of the
# predicted class loses (Zeiler and Fergus 2014). **Orange**: with this patch hidden the
# net is less sure. **Violet**: it is surer.
few = X_test[:8]
display = SensitivityDisplay.from_estimator(cnn, few, method="occlusion").plot()
save(display.figure_, args, "13_occlusion")

# %%
# The unit is a probability, so images can be compared; a net that is very sure loses
# nothing anywhere, and its picture is empty.
some = X_test[:50]
lost, ink = occlusion(cnn, some, stride=4), some > 0.5  # for a mean, coarse will do
print(f"lost on ink {lost[ink].mean():.3f}, elsewhere {lost[~ink].mean():.3f}")
claim("hiding ink costs more than hiding paper", lost[ink].mean() > lost[~ink].mean())

# %%
# Where it misleads: a digit with a hole is an image that the net was never trained on,
# and hidden means painted as paper, with 0: to cover paper changes nothing. What is
# hidden together counts together: two strokes each of which is enough will both seem to
# be of no account.
#
# Saliency
# --------
# Or take the gradient: by how much would the score, before the softmax, change if a
# pixel had a little more ink (Simonyan et al. 2013)? One pass back instead of a hundred
# images with patches. Bright is a large change; whether up or down is not shown. As it
# is, the gradient is speckled, since it jumps from pixel to pixel. The second picture
# is its mean over noisy copies of each image: SmoothGrad (Smilkov et al. 2017).
for name, n_copies in (("gradient", 0), ("SmoothGrad", 25)):
    display = SensitivityDisplay.from_estimator(
        cnn, few, method="gradient", n_copies=n_copies, noise=0.3
    ).plot()
    display.ax_.set_yticks(display.ax_.get_yticks(), ["image", name])
    save(display.figure_, args, f"13_{name.lower()}")


def roughness(saliency):
    """Return how much neighbours differ, as a fraction of the mean."""
    return np.abs(np.diff(saliency, axis=2)).mean() / saliency.mean()


plain = gradient_saliency(cnn, some)
smooth = gradient_saliency(cnn, some, n_copies=25, noise=0.3)
print(f"roughness: {roughness(plain):.2f}, of the mean {roughness(smooth):.2f}")
claim("the mean is smoother", roughness(smooth) < roughness(plain))

# %%
# Where it misleads: it tells how the score *would* change, not what it came from.
off_ink = smooth[some < 0.1].sum() / smooth.sum()
print(f"of the saliency {off_ink:.0%} is where there is no ink")
claim("much of it is where there is no ink at all", off_ink > 0.2)

# %%
# A pixel of paper beside a 3 has a large gradient because ink there would make it an 8.
# Each image has its own scale, so a bright spot says nothing of how much; and where the
# net is sure of a class for a hundred reasons, the gradient of each is small.
#
# The mistakes
# ------------
# Last, look at what it gets wrong, the surest mistakes first. Some can be forgiven.
display = MistakesDisplay.from_estimator(cnn, X_test, y_test).plot(n_images=15)
save(display.figure_, args, "13_mistakes")

# %%
# What do its surest mistakes hang on? Occlusion again, of the class that the net said,
# the number below. Orange is what speaks for the mistake: with it hidden, the net is
# less sure.
worst = X_test[display.index[:6]]
display = SensitivityDisplay.from_estimator(cnn, worst, method="occlusion").plot()
save(display.figure_, args, "13_mistakes_occlusion")
most = display.sensitivity.max(axis=(1, 2))
print("lost at most, of each:", most.round(2))
claim("a patch takes a good part of a mistake's probability", most.mean() > 0.2)

# %%
# Try it
# ------
# Occlude with patches of 3 pixels, then of 9: ``patch_size=3``. What becomes of the
# probability that is lost, and of the picture?
#
# .. dropdown:: Answer
#
#    The larger the patch, the more it takes away. On the bundled digits the place of an
#    image that matters most loses about 0.2 of its probability with patches of 3, 0.5
#    with 5 and 0.75 with 9. Small patches show little, since what is left of a stroke
#    does as well; large ones are blurred, and blame the paper beside a stroke for the
#    stroke. So say which size a picture is of, and look at two.
#
# Sources
# -------
# - M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks",
#   2014.
# - K\. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks", 2013.
# - D. Smilkov, N. Thorat, B. Kim, F. Viégas, M. Wattenberg, "SmoothGrad: removing noise
#   by adding noise", 2017.
