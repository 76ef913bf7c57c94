"""What is known of the base of scikit-learn's searches, which is private to it."""

import inspect

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from sknn_mnist.model_selection._sklearn_search import BaseSearchCV, every_fit_failed

X = np.arange(12.0).reshape(6, 2)
y = [0, 1] * 3


class Twice(BaseSearchCV):
    """Evaluates candidates in two goes."""

    def __init__(self, estimator, cv):
        super().__init__(estimator, cv=cv)

    def _run_search(self, evaluate_candidates, callback_ctx=None):
        evaluate_candidates([{"C": 1.0}, {"C": 2.0}], more_results={"go": [0, 0]})
        self.all_results = evaluate_candidates([{"C": 3.0}], more_results={"go": [1]})


def test_it_is_the_base_of_the_public_searches():
    assert issubclass(GridSearchCV, BaseSearchCV)
    assert issubclass(RandomizedSearchCV, BaseSearchCV)
    assert (
        "evaluate_candidates" in inspect.signature(BaseSearchCV._run_search).parameters
    )


def test_each_evaluation_returns_all_results():
    search = Twice(LogisticRegression(), cv=2).fit(X, y)
    assert search.all_results is search.cv_results_
    assert list(search.cv_results_["go"]) == [0, 0, 1]
    assert [each["C"] for each in search.cv_results_["params"]] == [1, 2, 3]


def test_what_fits_raise_that_is_no_exception_ends_the_evaluation():
    class Out(BaseException):
        pass

    class Fails(LogisticRegression):
        def fit(self, X, y):
            raise Out

    with pytest.raises(Out):
        Twice(Fails(), cv=2).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_an_evaluation_whose_fits_all_fail_is_known():
    class Fails(LogisticRegression):
        def fit(self, X, y):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        Twice(Fails(), cv=2).fit(X, y)
    assert every_fit_failed(caught.value)
    assert not every_fit_failed(ValueError("something else"))
