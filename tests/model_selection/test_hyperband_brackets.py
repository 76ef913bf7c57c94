"""The brackets of Hyperband, as the paper has them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sknn_mnist.model_selection._brackets import brackets_of


def test_brackets_are_those_of_the_paper():
    # Table 1 of Li et al. (2018), but for its third column: Algorithm 1 rounds the
    # number of its candidates, 33.75, up.
    assert [bracket.rungs for bracket in brackets_of(81, 3)] == [
        ((81, 1), (27, 3), (9, 9), (3, 27), (1, 81)),
        ((34, 3), (11, 9), (3, 27), (1, 81)),
        ((15, 9), (5, 27), (1, 81)),
        ((8, 27), (2, 81)),
        ((5, 81),),
    ]


def test_no_logarithm_loses_a_bracket():
    # log(243, 3) is 4.999999999999999.
    assert len(brackets_of(243, 3)) == 6
    assert len(brackets_of(242, 3)) == 5


@given(st.integers(1, 10_000), st.integers(2, 20))
def test_every_bracket_ends_with_all_epochs(max_epochs, factor):
    for bracket in brackets_of(max_epochs, factor):
        numbers, epochs = zip(*bracket.rungs, strict=True)
        assert epochs[-1] == max_epochs
        assert numbers[-1] >= 1
        assert epochs[0] >= 1
        assert all(a < b for a, b in pairwise(epochs))
        assert all(a > b for a, b in pairwise(numbers))
        assert bracket.n_candidates == numbers[0]


def test_epochs_are_counted_once():
    assert [bracket.n_epochs for bracket in brackets_of(9, 3)] == [
        9 * 1 + 3 * 2 + 1 * 6,
        5 * 3 + 1 * 6,
        3 * 9,
    ]


def test_few_candidates_are_stopped_all_the_same():
    assert [bracket.rungs for bracket in brackets_of(9, 3, n_distinct=4)] == [
        ((4, 1), (1, 3), (1, 9)),
        ((4, 3), (1, 9)),
        ((3, 9),),
    ]
