"""Estimators show themselves as scikit-learn's own do."""

import pytest
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier

from sknn_mnist import (
    CNNClassifier,
    CNNRegressor,
    DenseClassifier,
    DenseRegressor,
    KerasClassifier,
    KerasRegressor,
)


class Maker:
    """A callable with a repr that is the same everywhere."""

    def __call__(self, hidden_size=3):
        raise NotImplementedError

    def __repr__(self):
        return "make"


@pytest.mark.parametrize(
    ("estimator", "text"),
    [
        (DenseClassifier(), "DenseClassifier()"),
        (DenseRegressor(hidden_size=32), "DenseRegressor()"),
        (
            CNNClassifier(filters=(8, 8), random_state=0),
            "CNNClassifier(filters=(8, 8), random_state=0)",
        ),
        (CNNRegressor(dropout=0.5), "CNNRegressor(dropout=0.5)"),
        (KerasRegressor(epochs=2), "KerasRegressor(epochs=2)"),
        (
            KerasClassifier(Maker(), model__hidden_size=5, optimizer__momentum=0.5),
            "KerasClassifier(hidden_size=5, model=make, optimizer__momentum=0.5)",
        ),
    ],
)
def test_text_names_what_is_not_default(estimator, text):
    assert repr(estimator) == str(estimator) == text


def test_html_tells_fitted_from_unfitted(digits):
    X, _, y, _ = digits
    unfitted = DenseClassifier(epochs=1)
    assert "<span>Not fitted</span>" in unfitted._repr_html_()
    html = unfitted.fit(X, y)._repr_html_()
    assert "<span>Fitted</span>" in html
    assert "DenseClassifier" in html
    assert "Not fitted" not in html


def test_html_is_built_as_scikit_learns_own(digits):
    X, _, y, _ = digits
    ours, theirs = DenseClassifier(epochs=1), MLPClassifier(max_iter=1)
    for fit in (False, True):
        if fit:
            ours.fit(X, y)
            with pytest.warns(Warning, match="Maximum iterations"):
                theirs.fit(X, y)
        for part in ("sk-container", "sk-estimator", "sk-toggleable", "fitted"):
            assert (part in ours._repr_html_()) == (part in theirs._repr_html_())


def test_bundle_of_types_a_notebook_asks_for():
    bundle = DenseClassifier()._repr_mimebundle_()
    assert bundle["text/plain"] == "DenseClassifier()"
    assert "text/html" in bundle


def test_parameters_are_introspected_from_the_signature():
    net = DenseClassifier()
    assert list(DenseClassifier._get_param_names()) == sorted(net.get_params())
    with pytest.raises(TypeError, match="unexpected keyword argument 'hiden_size'"):
        DenseClassifier(hiden_size=3)
    with pytest.raises(ValueError, match="Invalid parameter 'model' for estimator"):
        clone(net).set_params(model__x=1)
    with pytest.raises(ValueError, match="Invalid parameter 'epoch' for estimator"):
        clone(net).set_params(epoch=1)
