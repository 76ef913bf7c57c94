"""Estimators augment images in training: in searches, memories, copies and files."""

import pickle
import re

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import sknn_mnist
from sknn_mnist import CNNClassifier, CNNRegressor, clear_memory
from sknn_mnist.inspection import feature_maps, gradient_saliency, occlusion
from sknn_mnist.networks._augmentation import LAYERS

RNG = np.random.default_rng(0)
X = RNG.random((90, 8, 8, 1)).astype("float32")
COLOURED = RNG.random((90, 8, 8, 3)).astype("float32")
Y = np.arange(90) % 3
SETTINGS = {
    "filters": 2,
    "hidden_size": 4,
    "batch_size": 32,
    "epochs": 3,
    "random_state": 0,
}
LIST = ["translation", "zoom", "brightness"]


@pytest.fixture(autouse=True)
def _nothing_kept():
    clear_memory(":memory:")


def config(name, **arguments):
    return {"class_name": name, "config": arguments}


# Each of Keras's layers that is there, with what it can't be made without.
EACH = {
    **{name: name for name in LAYERS},
    "RandomColorDegeneration": config("RandomColorDegeneration", factor=0.5),
    "RandomColorJitter": config("RandomColorJitter", hue_factor=0.1),
    "RandomHue": config("RandomHue", factor=0.5),
    "RandomPosterization": config("RandomPosterization", factor=3),
    "RandomSaturation": config("RandomSaturation", factor=0.5),
    "RandomSharpness": config("RandomSharpness", factor=0.5),
    "RandomShear": config("RandomShear", x_factor=0.3),
}


def fitted(augmentation, x=X, **settings):
    net = CNNClassifier(augmentation=augmentation, **{**SETTINGS, **settings})
    return net.fit(x, Y)


def weights(net):
    return [each.numpy() for each in net.model_.variables]


def is_same(one, other):
    pairs = zip(weights(one), weights(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs) and (
        one.history_ == other.history_
    )


@pytest.mark.exact
@pytest.mark.parametrize("name", LAYERS)
def test_training_is_that_of_keras(name):
    ours = fitted(EACH[name], COLOURED, shuffle=False)
    theirs = ours._network.recipe.new_network()
    history = theirs.fit(
        COLOURED, Y, batch_size=32, epochs=3, shuffle=False, verbose=0
    ).history
    for mine, variable in zip(weights(ours), theirs.variables, strict=True):
        value = variable.numpy()
        if value.dtype == "uint32":  # a seed, and the draws from it
            assert value[1] > 0
            assert np.array_equal(mine, value)
        np.testing.assert_allclose(mine, value, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.history_["loss"], history["loss"], rtol=1e-5)


@pytest.mark.exact
def test_fits_with_a_seed_are_the_same_and_with_others_are_not():
    first = fitted(LIST)
    assert is_same(first, fitted(LIST))
    assert not is_same(first, fitted(LIST, random_state=1))


@pytest.mark.exact
def test_predictions_are_of_the_images_as_they_are():
    net = fitted(LIST)
    once = net.predict_proba(X)
    assert np.array_equal(net.predict_proba(X), once)
    assert np.array_equal(net.predict_proba(X[3:5]), once[3:5])
    plain = CNNClassifier(**{**SETTINGS, "epochs": 1}).fit(X, Y)
    n_states = len(weights(net)) - len(weights(plain))
    assert n_states == len(LIST)
    for variable, value in zip(
        plain.model_.variables, weights(net)[n_states:], strict=True
    ):
        variable.assign(value)
    # Another batch, another program: the same numbers, not the same bits.
    np.testing.assert_allclose(plain.model_.predict(X, verbose=0), once, rtol=1e-5)


@pytest.mark.exact
def test_held_out_images_are_not_changed():
    net = fitted(LIST, validation_split=0.2, epochs=1)
    loss = net.model_.evaluate(X[-18:], Y[-18:], verbose=0)[0]
    np.testing.assert_allclose(net.history_["val_loss"], [loss], rtol=1e-5)


@pytest.mark.exact
@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16", "mixed_float16"])
def test_any_precision_trains(dtype):
    net = fitted([*LIST, "rotation", "flip", "contrast"], dtype=dtype)
    assert np.isfinite(net.history_["loss"]).all()
    assert is_same(net, clone(net).fit(X, Y))


def test_regressors_augment_as_well():
    y = X.mean(axis=(1, 2, 3))
    net = CNNRegressor(augmentation="translation", **SETTINGS).fit(X, y)
    assert "augmentation_1" in {each.name for each in net.model_.layers}
    plain = CNNRegressor(**SETTINGS).fit(X, y)
    assert net.history_["loss"] != plain.history_["loss"]


def test_rows_that_are_flat_are_augmented_as_images():
    flat = X.reshape(len(X), -1)
    net = CNNClassifier(augmentation=LIST, **SETTINGS).fit(flat, Y)
    assert is_same(net, fitted(LIST))


@pytest.mark.exact
@pytest.mark.parametrize("memory", [":memory:", "folder"])
def test_a_memory_goes_on_with_the_draws(memory, tmp_path):
    memory = str(tmp_path) if memory == "folder" else memory
    fitted(LIST, memory=memory, epochs=2)
    longer = fitted(LIST, memory=memory, epochs=4)
    assert longer.initial_epoch_ == 2
    assert is_same(longer, fitted(LIST, epochs=4))


def test_a_memory_knows_augmentations_apart():
    def starts_at(augmentation):
        net = fitted(augmentation, memory=":memory:")
        return net.initial_epoch_

    apart = [
        None,
        "rotation",
        ["rotation", "zoom"],
        ["zoom", "rotation"],
        config("RandomRotation", factor=0.03),
        keras.layers.RandomRotation(0.2),
    ]
    assert [starts_at(each) for each in apart] == [0] * len(apart)
    # And these mean the same as some of them.
    same = [
        [],
        keras.layers.RandomRotation(0.03, "nearest", name="another", seed=7),
        ("rotation", "zoom"),
        keras.layers.RandomRotation(0.03),
    ]
    assert [starts_at(each) for each in same] == [SETTINGS["epochs"]] * len(same)


@pytest.mark.exact
def test_warm_start_and_partial_fit_go_on_with_the_draws():
    whole = fitted(LIST, epochs=4)
    warm = fitted(LIST, epochs=2, warm_start=True)
    # The same, said in another way.
    warm.set_params(augmentation=tuple(LIST)).fit(X, Y)
    assert is_same(warm, whole)
    with pytest.raises(ValueError, match="can't continue a network fitted with"):
        warm.set_params(augmentation="flip").fit(X, Y)
    part = CNNClassifier(augmentation=LIST, **SETTINGS)
    for _ in range(4):
        part.partial_fit(X, Y, classes=[0, 1, 2])
    assert is_same(part, whole)


GRID = {"augmentation": [None, "flip", [keras.layers.RandomZoom(0.1), "contrast"]]}


def search(n_jobs):
    net = CNNClassifier(**SETTINGS)
    found = GridSearchCV(net, GRID, cv=2, n_jobs=n_jobs, error_score="raise")
    found.fit(X, Y)
    assert len(set(found.cv_results_["param_augmentation"][:2])) == 2
    return found.cv_results_["mean_test_score"]


@pytest.mark.slow
@pytest.mark.exact
def test_augmentations_are_candidates_of_a_search():
    assert np.array_equal(search(1), search(2))


@pytest.mark.exact
def test_pixels_in_8_bits_train_and_predict_as_scaled_ones():
    pixels = np.rint(255 * X).astype("uint8")
    scaled = pixels.astype("float32") / np.float32(255)
    as_bytes, as_floats = fitted(LIST, pixels), fitted(LIST, scaled)
    assert as_bytes.model_.layers[0].name == "rescaling"
    assert is_same(as_bytes, as_floats)
    assert np.array_equal(
        as_bytes.predict_proba(pixels), as_floats.predict_proba(scaled)
    )


@pytest.mark.exact
def test_inspection_is_of_the_images_as_they_are():
    net = fitted(LIST)
    for look in (feature_maps, gradient_saliency, occlusion):
        once, twice = (look(net, X[:2]) for _ in range(2))
        assert np.array_equal(once, twice)


@pytest.mark.parametrize(
    ("x", "augmentation", "said"),
    [
        (X, keras.layers.RandomBrightness(0.2), r"value_range=\(0, 1\)"),
        (255 * X, "brightness", "rescaling=1 / 255"),
    ],
)
def test_layers_for_pixels_of_another_scale_are_told(x, augmentation, said):
    with pytest.warns(UserWarning, match=said) as told:
        fitted(augmentation, x, epochs=1)
    assert sum("RandomBrightness" in str(each.message) for each in told) == 1


def test_layers_for_pixels_of_this_scale_are_not(recwarn):
    pixels = np.rint(255 * X).astype("uint8")
    fitted(["brightness", "flip"], X, epochs=1)
    fitted("brightness", pixels, epochs=1)
    wide = keras.layers.RandomBrightness(0.2, value_range=(0, 255))
    fitted(wide, 255 * X, epochs=1, rescaling=None)
    assert not [each for each in recwarn if "augmentation" in str(each.message)]


def test_it_works_as_a_step_of_a_pipeline():
    flat = (255 * X).reshape(len(X), -1)
    net = CNNClassifier(augmentation=LIST, **SETTINGS)
    pipe = make_pipeline(MinMaxScaler(), net)
    pipe.set_params(cnnclassifier__augmentation="flip").fit(flat, Y)
    assert pipe[-1].model_.get_layer("augmentation_1").mode == "horizontal"


FORMS = {
    "name": "rotation",
    "list": ["rotation", "RandomFlip"],
    "tuple": ("rotation", "zoom"),
    "class": keras.layers.RandomFlip,
    "config": config("RandomRotation", factor=(-0.1, 0.2)),
    "object": keras.layers.RandomTranslation(0.1, (0.0, 0.2), seed=5),
    "objects": [keras.layers.RandomFlip(), "contrast", keras.layers.RandomZoom(0.2)],
    "model": keras.Sequential([keras.layers.RandomFlip()]),
}


@pytest.mark.exact
@pytest.mark.parametrize("form", FORMS)
def test_copies_and_files_train_and_predict_the_same(form, tmp_path):
    net = fitted(FORMS[form])
    net.save(tmp_path / "net.safetensors")
    copies = {
        "pickle": pickle.loads(pickle.dumps(net)),
        "file": sknn_mnist.load(tmp_path / "net.safetensors"),
    }
    for again in copies.values():
        assert is_same(again, net)
        assert np.array_equal(again.predict_proba(X), net.predict_proba(X))
        assert is_same(clone(again).fit(X, Y), net)
        again.set_params(warm_start=True, epochs=1).fit(X, Y)
    assert is_same(copies["pickle"], copies["file"])
    longer = clone(net).set_params(epochs=SETTINGS["epochs"] + 1).fit(X, Y)
    assert is_same(copies["file"], longer)


def test_bad_augmentations_are_named_before_anything_is_trained():
    with pytest.raises(ValueError, match="'augmentation' parameter of CNNClassifier"):
        fitted("rotaton")


@pytest.mark.skipif("RandomHue" not in LAYERS, reason="this Keras has no such layer")
def test_layers_for_other_images_are_named():
    message = re.escape(
        "The 'augmentation' parameter of CNNClassifier must be for images of 1 "
        "channel. Got RandomHue (for 3) instead."
    )
    with pytest.raises(ValueError, match=message):
        fitted(EACH["RandomHue"])


def test_an_object_is_not_touched():
    layer = keras.layers.RandomFlip(seed=3, name="mine")
    before = keras.ops.convert_to_numpy(layer.generator.state.value)
    net = fitted(layer)
    assert net.augmentation is layer
    assert net.model_.get_layer("augmentation_1") is not layer
    assert np.array_equal(
        keras.ops.convert_to_numpy(layer.generator.state.value), before
    )
    net.model_.summary(print_fn=lambda *args, **kwargs: None)
    assert "augmentation" in repr(net)
