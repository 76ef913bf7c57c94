"""
Learning curves
===============

Loss and accuracy after each epoch, on the images that the net learns from and on
others. Where the two part, it overfits.

.. code-block:: sh

    python examples/lesson/plot_03_learning_curves.py [--dataset mnist] [--full]
"""

# %%
# A net that is too large for its data, for too long.
from sknn_mnist import DenseClassifier
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
epochs = 20 if args.full else 40
clf = DenseClassifier(
    hidden_size=256, epochs=epochs, validation_split=0.2, random_state=0
)
clf.fit(X_train, y_train)
display = HistoryDisplay.from_estimator(clf).plot()
save(display.figure_, args, "03_learning_curves")
print(f"accuracy on the test set: {clf.score(X_test, y_test):.4f}")

# %%
# Several at once: small nets learn slower, and their curves part later.
nets = {
    f"hidden_size={size}": DenseClassifier(
        hidden_size=size, epochs=epochs, validation_split=0.2, random_state=0
    ).fit(X_train, y_train)
    for size in (8, 32, 256)
}
display = HistoryDisplay.from_estimator(nets).plot()
save(display.figure_, args, "03_learning_curves_compared")
