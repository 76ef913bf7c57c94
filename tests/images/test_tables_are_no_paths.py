"""A table of numbers is told from paths without a look at its cells."""

import numpy as np
import pandas as pd

from sknn_mnist.images._reading import is_path_array


class Table:
    """What has a shape, and must not be made an array."""

    shape = (1000, 784)

    def __array__(self, *args, **kwargs):
        raise AssertionError("it was made an array")


def test_tables_are_not_made_objects():
    assert not is_path_array(Table())
    assert not is_path_array(pd.DataFrame(np.zeros((3, 2))))
    assert is_path_array(pd.DataFrame({"file": ["a.png", "b.png"]}))
    assert is_path_array(pd.Series(["a.png", "b.png"]))
