"""
A convolutional net in a pipeline
=================================

What do filters, dropout and batch normalisation bring? The net is the last step of a
pipeline whose first step scales the raw pixels, 0 to 16, to [0, 1], and the search
reaches through it. Always on scikit-learn's own 8×8 digits, which show what becomes of
nets on tiny images.

.. code-block:: sh

    python examples/further/plot_23_search_in_a_pipeline.py
"""

# %%
# scikit-learn's digits as they come: 8×8 pixels in flat rows. The net finds out that
# 64 features are square images, and cuts its kernels where they would not fit.
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sknn_mnist import CNNClassifier
from sknn_mnist.display import SearchDisplay
from sknn_mnist.lesson import arguments, claim, save
from sknn_mnist.reporting import pivot_cv_results

args = arguments(__doc__)
if args.full or args.dataset != "digits":
    print("this example is about 8×8 digits, whatever --dataset and --full say")
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)


def to_unit(pixels):
    """Scale pixels of 0 to 16 to [0, 1]."""
    return pixels / 16


pipe = Pipeline(
    [
        ("scale", FunctionTransformer(to_unit)),
        ("cnn", CNNClassifier(epochs=15, learning_rate=0.005, random_state=0)),
    ]
)

# %%
# Parameters of the net carry the step's name in the grid; the table can do without.
grid = GridSearchCV(
    pipe,
    {
        "cnn__filters": [8, (8, 8), (16, 16)],
        "cnn__dropout": [0.0, 0.5],
        "cnn__batch_norm": [False, True],
    },
    cv=2,
)
grid.fit(X_train, y_train)
print(pivot_cv_results(grid, index="filters", columns=["batch_norm", "dropout"]))
display = SearchDisplay.from_search(grid, x="filters", hue="dropout")
save(display.plot().figure_, args, "23_search_in_a_pipeline")

# %%
# Two blocks leave single pixels of an 8×8 image, so one does better here. And batch
# normalisation does worse: predictions use running averages of each layer's
# statistics, which keep 99% of the old value per step, and these few hundred images
# make only some hundred steps. MNIST's 469 steps per epoch are enough for them.
#
# The layers of the best one, and how it does on images it has not seen.
grid.best_estimator_["cnn"].summary()
print(f"best: {grid.best_params_}")
print(f"accuracy on the test set: {grid.score(X_test, y_test):.4f}")

# %%
# What was said of them, held against the means of the table.
table = pivot_cv_results(grid, index="filters", columns=["batch_norm", "dropout"])
plain, normalised = (
    pivot_cv_results(grid, index="batch_norm").loc[each, "mean_test_score"]
    for each in (False, True)
)
claim("one block of filters is best here", grid.best_params_["cnn__filters"] == 8)
claim("with batch normalisation, fewer are right", normalised < plain)

# %%
# Try it
# ------
# Give the nets 60 epochs in place of 15. Who gains most?
#
# .. dropdown:: Answer
#
#    Those with batch normalisation: four times as many steps, and the running averages
#    that predictions use have come near to what the layers see in training.
