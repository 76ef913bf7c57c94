"""
More images than there are: augmentation in a pipeline
======================================================

A digit moved by a pixel or turned a little is the same digit. A net that learns from
such copies makes fewer mistakes: in the full run 0.994 of MNIST's test images right or
more.

    python examples/plot_12_augmentation.py [--dataset mnist] [--full]
"""

# %%
# A transformer of scikit-learn can't add rows, so a meta-estimator does: it fits its
# net on the rows and on changed copies of them, and predicts as the net does.
import numpy as np
from lesson import arguments, load, save
from scipy import ndimage
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sknn_mnist import CNNClassifier
from sknn_mnist.display import MistakesDisplay

# isort: split
import keras  # after sknn_mnist, which starts TensorFlow without its chatter


def changed(images, rng):
    """Return images turned, scaled and moved a little, each in its own way."""
    copies = np.empty_like(images)
    centre = (np.array(images.shape[1:]) - 1) / 2
    for place, image in enumerate(images):
        angle, scale = rng.uniform(-0.2, 0.2), rng.uniform(0.9, 1.1)
        turn = np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        offset = centre - scale * turn @ (centre + rng.uniform(-2, 2, size=2))
        copies[place] = ndimage.affine_transform(image, scale * turn, offset, order=1)
    return copies


class Augmented(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Classifier that learns from changed copies of its images as well."""

    def __init__(self, estimator, n_copies=4, random_state=0):
        self.estimator = estimator
        self.n_copies = n_copies
        self.random_state = random_state

    def fit(self, X, y):
        rng = np.random.default_rng(self.random_state)
        copies = [changed(X, rng) for _ in range(self.n_copies)]
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(np.concatenate([X, *copies]), np.tile(y, len(copies) + 1))
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X):
        return self.estimator_.predict(X)

    def predict_proba(self, X):
        return self.estimator_.predict_proba(X)


# %%
# Both are steps of a pipeline, whose first step makes pixels of 0 to 255 fit the net.
def to_unit(pixels):
    """Scale pixels of 0 to 255 to [0, 1]."""
    return pixels / np.float32(255)


args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
X_train, X_test = (np.rint(255 * X) for X in (X_train, X_test))
net = CNNClassifier(
    filters=(32, 64) if args.full else (16, 16),
    hidden_size=128 if args.full else 64,
    dropout=0.5,
    batch_norm=args.full,
    epochs=6 if args.full else 15,
    random_state=0,
)
n_copies = 5 if args.full else 3


def settled(net, n_rows):
    """Return the net, its learning rate falling from large to none over its epochs."""
    if args.full:
        n_steps = net.epochs * -(-n_rows // net.batch_size)
        net = clone(net).set_params(
            learning_rate=keras.optimizers.schedules.CosineDecay(2e-3, n_steps)
        )
    return net


n_rows = len(X_train)
for name, classifier in (
    ("plain", settled(net, n_rows)),
    ("augmented", Augmented(settled(net, n_rows * (n_copies + 1)), n_copies)),
):
    pipe = make_pipeline(FunctionTransformer(to_unit), classifier)
    pipe.fit(X_train, y_train)
    print(f"{name}: accuracy on the test set: {pipe.score(X_test, y_test):.4f}")

# %%
# What is still wrong.
display = MistakesDisplay.from_estimator(pipe, X_test, y_test).plot()
save(display.figure_, args, "12_augmented_mistakes")
