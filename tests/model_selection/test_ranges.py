"""Numbers between two bounds."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import ParameterSampler

from sknn_mnist.model_selection import Range


@given(st.integers(1, 50), st.integers(1, 50), st.booleans(), st.integers(0, 1000))
def test_ints_are_drawn_between_the_bounds(low, more, log, seed):
    drawn = Range(low, low + more, log=log).rvs(20, random_state=seed)
    assert drawn.dtype.kind == "i"
    assert drawn.min() >= low
    assert drawn.max() <= low + more


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3), st.booleans(), st.integers(0, 1000))
def test_floats_are_drawn_between_the_bounds(low, more, log, seed):
    drawn = Range(low, low + more, log=log).rvs(20, random_state=seed)
    assert drawn.min() >= low
    assert drawn.max() <= low + more


@pytest.mark.parametrize("log", [False, True])
def test_both_bounds_are_drawn(log):
    counts = np.bincount(Range(1, 3, log=log).rvs(3000, random_state=0))
    assert counts[0] == 0
    assert (counts[1:] > 300).all()


def test_ints_are_equally_likely():
    counts = np.bincount(Range(0, 3).rvs(8000, random_state=0))
    np.testing.assert_allclose(counts, 2000, rtol=0.1)


def test_logarithms_are_even():
    drawn = Range(1e-4, 1e-1, log=True).rvs(9000, random_state=0)
    counts, _ = np.histogram(np.log10(drawn), bins=3, range=(-4, -1))
    np.testing.assert_allclose(counts, 3000, rtol=0.1)


def test_single_numbers_are_pythons():
    assert type(Range(1, 9).rvs(random_state=0)) is int
    number = Range(1.0, 9).rvs(random_state=0)
    assert type(number) is float
    assert number == float(f"{number:.4g}")


CLOSE = [(0.9999, 0.99999), (0.12345, 0.12346), (100000.5, 100003.5), (-1e-9, 1e9)]


@pytest.mark.parametrize("bounds", CLOSE)
def test_close_bounds_have_numbers_between_them(bounds):
    drawn = Range(*bounds).rvs(1000, random_state=0)
    assert len(set(drawn)) > 500


def test_scikit_learn_samples_it():
    space = {"n": Range(16, 512, log=True), "rate": Range(1e-4, 1e-1, log=True)}
    drawn = list(ParameterSampler(space, 3, random_state=0))
    assert drawn == list(ParameterSampler(space, 3, random_state=0))
    assert len({each["n"] for each in drawn}) > 1


def test_its_text_makes_it_again():
    for each in (Range(16, 512), Range(1e-4, 0.1, log=True), Range(0, 0.5)):
        assert eval(repr(each)) == each
        assert pickle.loads(pickle.dumps(each)) == each
    assert Range(0, 1) != Range(0.0, 1)
    assert len({Range(1, 2), Range(1, 2)}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("1", 2), "The 'low' parameter of Range must be a finite int or float"),
        ((1, float("nan")), "The 'high' parameter of Range must be a finite int"),
        ((1, float("inf")), "'high'"),
        ((True, 2), "'low'"),
        ((-1e308, 1e308), "'high' .* be no more above low"),
        ((1, 2**60), "'high' parameter of Range must be an int in the range"),
        ((2, 1), r"The 'high' parameter of Range must be above low \(2\). Got 1"),
        ((1, 1), "'high'"),
        ((0, 1, True), "The 'low' parameter of Range must be above 0 with log=True"),
        ((1, 2, "yes"), "'log'"),
    ],
)
def test_bad_bounds_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Range(*arguments)
