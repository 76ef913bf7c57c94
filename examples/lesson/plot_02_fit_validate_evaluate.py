"""
Fit, validate, evaluate
=======================

Train with some of the images held out, see how it does on them, and test on images
that nothing has seen.

.. code-block:: sh

    python examples/lesson/plot_02_fit_validate_evaluate.py [--dataset mnist] [--full]
"""

# %%
# `validation_split` holds out the last fraction of the rows. `verbose=2` prints one
# line per epoch, as Keras does.
from sklearn.metrics import ConfusionMatrixDisplay, classification_report

from sknn_mnist import DenseClassifier
from sknn_mnist.display import MistakesDisplay
from sknn_mnist.lesson import arguments, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
clf = DenseClassifier(
    hidden_size=32, epochs=10, validation_split=0.1, verbose=2, random_state=0
)
clf.fit(X_train, y_train)
print("accuracy on what was held out:", clf.history_["val_accuracy"][-1])

# %%
# Evaluate: all of scikit-learn's metrics can be used.
print(classification_report(y_test, clf.predict(X_test), digits=4))
print(f"accuracy on the test set: {clf.score(X_test, y_test):.4f}")
display = ConfusionMatrixDisplay.from_estimator(clf, X_test, y_test, cmap="cividis")
save(display.figure_, args, "02_confusion_matrix")

# %%
# What it gets wrong, the most confident mistakes first.
display = MistakesDisplay.from_estimator(clf, X_test, y_test).plot()
save(display.figure_, args, "02_mistakes")
