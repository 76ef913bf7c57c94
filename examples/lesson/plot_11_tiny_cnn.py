"""
The tiny convolutional net, parameter by parameter
==================================================

Two blocks of convolution and max pooling, one hidden layer: 61,482 parameters, most of
them not in the convolutions.

.. code-block:: sh

    python examples/lesson/plot_11_tiny_cnn.py [--dataset mnist] [--full]
"""

# %%
# Where the parameters are: a kernel of 3×3 for each pair of channel and filter, and one
# bias per filter.
import pandas as pd

from sknn_mnist import CNNClassifier, DenseClassifier
from sknn_mnist.builders import build_cnn
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, load, save

args = arguments(__doc__)
net = build_cnn(filters=(32, 32), hidden_size=64)
net.summary(line_length=72)
sums = {
    "conv_1": "3·3·1·32 + 32",
    "conv_2": "3·3·32·32 + 32",
    "hidden_1": "5·5·32·64 + 64",
    "output": "64·10 + 10",
}
table = pd.DataFrame(
    {
        "output": {each.name: each.output.shape[1:] for each in net.layers},
        "parameters": {each.name: each.count_params() for each in net.layers},
        "as": sums,
    }
).reindex([each.name for each in net.layers])
print(table.fillna("").to_markdown())
for name, text in sums.items():
    assert table.loc[name, "parameters"] == eval(text.replace("·", "*"))

# %%
# It learns more per epoch than a dense net with as many parameters.
X_train, X_test, y_train, y_test = load(args, layout="image")
flat = X_train.reshape(len(X_train), -1), X_test.reshape(len(X_test), -1)
epochs = 5 if args.full else 12
options = {"epochs": epochs, "validation_split": 0.2, "random_state": 0}
cnn = CNNClassifier(filters=(32, 32), hidden_size=64, **options).fit(X_train, y_train)
dense = DenseClassifier(hidden_size=77, **options).fit(flat[0], y_train)
for name, model in (("CNN", cnn.model_), ("dense net", dense.model_)):
    print(f"{name}: {model.count_params():,} parameters")
print(f"dense net, accuracy: {dense.score(flat[1], y_test):.4f}")
print(f"CNN, accuracy on the test set: {cnn.score(X_test, y_test):.4f}")
display = HistoryDisplay.from_estimator({"CNN": cnn, "dense net": dense}).plot()
save(display.figure_, args, "11_tiny_cnn")
