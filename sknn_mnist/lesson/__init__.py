"""What the examples of the lesson share, and the examples themselves.

An example is a script, a page of the documentation and a notebook. As a script it takes
arguments; what it says of its figures and numbers it claims, and fails where that is
not so.

Knows `datasets`, and the ground floor.
"""

from sknn_mnist.lesson._claims import claim
from sknn_mnist.lesson._copies import copy_examples
from sknn_mnist.lesson._script import arguments, load, save

__all__ = ["arguments", "claim", "copy_examples", "load", "save"]
