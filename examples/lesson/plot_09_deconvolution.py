"""
Deconvolution and feature visualisation
=======================================

A kernel of the first convolution can be looked at: it is a small picture of what it
answers to. A filter of a later layer can't, since its kernel weighs maps, not pixels.
Two questions bring it back to pixels. Which images excite it most, and what in them?
That is **deconvolution**. And which image would excite it most, if we could draw one?
That is **feature visualisation**.

.. code-block:: sh

    python examples/lesson/plot_09_deconvolution.py [--dataset mnist] [--full]
"""

# %%
# The net
# -------
# Small, so that all of its filters fit in a picture: twice eight filters of 5×5.
import numpy as np

from sknn_mnist import CNNClassifier
from sknn_mnist.display import ActivationMaximizationDisplay, DeconvolutionDisplay
from sknn_mnist.inspection import deconvolution, maximize_activation
from sknn_mnist.lesson import arguments, claim, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
options = {"filters": (8, 8), "kernel_size": 5, "random_state": 0}
cnn = CNNClassifier(epochs=5 if args.full else 12, **options).fit(X_train, y_train)
print(f"accuracy on the test set: {cnn.score(X_test, y_test):.4f}")

# %%
# Which images excite a filter
# ----------------------------
# A unit of a feature map sees a window of the image, its *receptive field*. In the last
# convolution of this net that is 14×14 pixels. A kernel of the first one sees 5×5. A
# place after pooling has seen four such windows, together 6×6. Five of these places
# side by side, each two pixels further, have seen 4·2 + 6 = 14. For each filter we look
# through the images for the nine windows that excite it most, at most one of each
# image.
#
# What in them excites it
# -----------------------
# Zeiler and Fergus run the net backwards. They keep the one activation, set all others
# of its layer to 0, and bring it down to the pixels: through pooling to the place where
# the maximum was (the *switches*, remembered on the way up), through a relu if it is
# positive, and through a convolution by its own kernels: each value lays down a copy of
# the kernel, times itself, and where copies overlap they add up. What arrives is on the
# left, the window of the image on the right.
#
# - **Orange**: a positive sum arrives.
# - **Violet**: a negative one.
# - **White**: nothing.
#
# It is close to a gradient, by which more ink on orange would raise the activation. But
# it is not one: a gradient passes a relu where the *image* made it positive, whatever
# its own sign.
X_many = X_train[:6000]
display = DeconvolutionDisplay.from_estimator(cnn, X_many, layer=-1).plot()
save(display.figure_, args, "09_deconvolution")

# %%
# What to see: the nine windows of a filter resemble each other, a corner, a bow, a
# stroke of one direction. The projections leave out what does not matter. The numbers
# behind the picture are a table.
print(display.frame().head(9).round(2).to_markdown(index=False))
claim(
    "no image gives a filter two windows",
    not display.frame().duplicated(["filter", "image"]).any(),
)


def ink_under(found):
    """Return the mean ink where projections are positive, and of the whole windows."""
    answers = found.activations > 0
    weights = np.maximum(found.projections, 0)[answers]
    patches = found.patches[answers]
    return np.average(patches, weights=weights), patches.mean()


found = deconvolution(cnn, X_many)
on_ink, everywhere = ink_under(found)
print(f"mean ink under orange {on_ink:.2f}, in the windows {everywhere:.2f}")
claim("the projections point at ink", on_ink > everywhere + 0.05)

# %%
# Of the first convolution there is only one step to go back, and the projection is the
# kernel itself, as strong as the activation.
first = deconvolution(cnn, X_many[:500], layer=0)
kernels = cnn.kernels_[0].transpose(3, 0, 1, 2)
claim(
    "in the first layer the projection is the kernel times the activation",
    np.allclose(
        first.projections,
        kernels[:, None] * first.activations[..., None, None, None],
        atol=1e-4,
    ),
)

# %%
# Where it misleads
# -----------------
# - It shows *one* unit in *one* image. Nine images at the top of a list say nothing of
#   the images in its middle, by which a filter earns its living as well.
# - Part of the picture comes from the image, not from what the filter has learned: the
#   switches and the rectification draw the image's edges whatever the kernels are
#   (Mahendran and Vedaldi 2016; Adebayo et al. 2018). So a control is needed: the same
#   picture of a net that has learned nothing.
untrained = CNNClassifier(epochs=1, learning_rate=1e-9, **options)
untrained.fit(X_train[:500], y_train[:500])
on_ink, everywhere = ink_under(deconvolution(untrained, X_many))
print(f"untrained: mean ink under orange {on_ink:.2f}, in the windows {everywhere:.2f}")
claim(
    "the projections of a net that has learned nothing point at ink as well",
    on_ink > everywhere + 0.05,
)

# %%
# Which image would excite it most
# --------------------------------
# Feature visualisation asks no image. It starts at grey noise, and changes the pixels
# along the gradient of the filter's response, step by step (Erhan et al. 2009). Left
# alone that ends in speckle; a little blur after each step keeps to what the eye can
# read (Yosinski et al. 2015; Olah et al. 2017 compare such means). The eight filters of
# the last convolution, yellow for ink:
display = ActivationMaximizationDisplay.from_estimator(cnn, layer=-1).plot()
save(display.figure_, args, "09_filters")

# %%
# The ten units of the output can be asked as well: what is a 0 to this net, a 1, a 2?
display = ActivationMaximizationDisplay.from_estimator(cnn, "output").plot()
display.ax_.set_xlabel("10 classes")
save(display.figure_, args, "09_classes")

# %%
# Some can be read, a ring for the 0, say, and none is a digit that anyone would write.
# The net takes them for digits all the same, and is sure of it.
drawn = maximize_activation(cnn, "output")
probability = cnn.predict_proba(drawn)[np.arange(10), np.arange(10)]
print("probability of each class for its own image:", probability.round(2))
claim(
    "the net takes what it has drawn for the digit that was asked for, nearly always",
    (cnn.predict(drawn) == cnn.classes_).sum() >= 9,
)

# %%
# So this is the second thing that misleads: the image of a class is not what the class
# looks like. It is what drives one number up, and no image that the net was trained on.
#
# Try it
# ------
# Draw the classes without the blur: ``maximize_activation(cnn, "output", blur=0)``. Do
# they still look like anything? What does the net say of them?
#
# .. dropdown:: Answer
#
#    They are speckle: from pixel to pixel the ink differs about twice as much as with
#    the blur, and hardly a digit can be made out. The net is as sure of them as before:
#    about 1.00 for each. What excites a net most need not mean anything to us; the blur
#    is our taste, not the net's.
#
# Sources
# -------
# - M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks",
#   2014.
# - D. Erhan, Y. Bengio, A. Courville, P. Vincent, "Visualizing higher-layer features of
#   a deep network", 2009.
# - J. Yosinski, J. Clune, A. Nguyen, T. Fuchs, H. Lipson, "Understanding neural
#   networks through deep visualization", 2015.
# - C\. Olah, A. Mordvintsev, L. Schubert, "Feature visualization", 2017.
# - A\. Mahendran, A. Vedaldi, "Salient deconvolutional networks", 2016.
# - J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim, "Sanity checks
#   for saliency maps", 2018.
