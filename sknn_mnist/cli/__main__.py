"""``python -m sknn_mnist.cli``: the command line where no script is installed."""

import sys

from sknn_mnist.cli import main

if __name__ == "__main__":
    sys.exit(main())
