"""
A Sequential net, and its summary
=================================

Images, a dense layer, a softmax: the smallest net of the lesson, in Keras's own words
and as this package builds it.

.. code-block:: sh

    python examples/lesson/plot_01_sequential_net.py [--dataset mnist] [--full]
"""

# %%
# The data: images of digits, and what they are.
import matplotlib.pyplot as plt

from sknn_mnist import DenseClassifier, build_dense
from sknn_mnist.lesson import arguments, load, save

# isort: split
import keras  # after sknn_mnist, which starts TensorFlow without its chatter

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
figure, axes = plt.subplots(2, 8, figsize=(8, 2.6), layout="constrained")
for ax, pixels, label in zip(axes.flat, X_train, y_train, strict=False):
    ax.imshow(pixels.reshape(28, 28), cmap="gray_r")
    ax.set_title(label)
    ax.set_axis_off()
save(figure, args, "01_digits")

# %%
# In Keras: a stack of layers. 784 pixels times 32 units and 32 biases make 25,120
# parameters, 32 times 10 and 10 make 330.
net = keras.Sequential(
    [
        keras.layers.Input((784,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
net.summary(line_length=72)
net.compile(
    optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
net.fit(X_train, y_train, batch_size=128, epochs=10, verbose=0)
print("Keras's loss and accuracy:", net.evaluate(X_test, y_test, verbose=0))

# %%
# The same by `build_dense`, which the estimators call, and by the estimator, which
# compiles and trains it. Shapes and classes it finds in the data.
print("parameters of build_dense(hidden_size=32):", build_dense().count_params())
clf = DenseClassifier(hidden_size=32, epochs=10, random_state=0).fit(X_train, y_train)
print(f"accuracy on the test set: {clf.score(X_test, y_test):.4f}")
