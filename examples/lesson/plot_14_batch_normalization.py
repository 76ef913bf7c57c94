"""
Batch normalisation: small and large nets
=========================================

Batch normalisation after each convolution: the same net learns faster. Here with 8
filters and with 64, learning curves compared.

.. code-block:: sh

    python examples/lesson/plot_14_batch_normalization.py [--dataset mnist] [--full]

S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by
reducing internal covariate shift", 2015.
"""

# %%
# The bundled digits are few, and predictions use running averages of each layer's
# statistics, which keep 99% of the old value per step. So: small batches, many steps.
from sknn_mnist import CNNClassifier
from sknn_mnist.display import HistoryDisplay
from sknn_mnist.lesson import arguments, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args, layout="image")
if args.dataset == "mnist":
    options = {"epochs": 5 if args.full else 3, "batch_size": 128 if args.full else 32}
else:
    options = {"epochs": 10, "batch_size": 16}

# %%
# Two sizes, with and without.
for filters in (8, 64) if args.full or args.dataset == "digits" else (8, 32):
    nets = {
        name: CNNClassifier(
            filters=(filters, filters),
            hidden_size=64,
            batch_norm=batch_norm,
            validation_split=0.2,
            random_state=0,
            **options,
        ).fit(X_train, y_train)
        for name, batch_norm in (("plain", False), ("batch normalisation", True))
    }
    for name, net in nets.items():
        first = net.history_["val_accuracy"][0]
        print(f"{filters} filters, {name}: {first:.4f} held out after 1 epoch")
        score = net.score(X_test, y_test)
        print(f"{filters} filters, {name}: accuracy on the test set: {score:.4f}")
    display = HistoryDisplay.from_estimator(nets).plot()
    display.figure_.suptitle(f"{filters} filters")
    save(display.figure_, args, f"14_batch_normalization_{filters}")
