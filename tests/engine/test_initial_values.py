"""A network of the pool starts as a new one would, whatever its layers draw."""

from itertools import islice

import keras
import numpy as np
import pytest

import sknn_mnist
from sknn_mnist.engine import _pool
from sknn_mnist.engine._network_state import get_state
from sknn_mnist.networks import _recipes
from sknn_mnist.networks._initial_values import augmentation_seeds, layer_seeds
from sknn_mnist.networks._own_networks import made_from_config
from sknn_mnist.networks._recipes import NetworkRecipe

pytestmark = [pytest.mark.exact, pytest.mark.usefixtures("empty_pool")]

SEEDS = (0, 1, 7, 0, 123)

layers = keras.layers


def glorot(seed):
    return keras.initializers.GlorotUniform(seed=seed)


# What a builder may put before its last layer, by the seeds that it draws.
BODIES = {
    "LSTM": lambda seed: layers.LSTM(
        3,
        kernel_initializer=glorot(next(seed)),
        recurrent_initializer=keras.initializers.Orthogonal(seed=next(seed)),
        dropout=0.2,
        seed=next(seed),
    ),
    "Bidirectional": lambda seed: layers.Bidirectional(
        layers.GRU(
            2,
            kernel_initializer=glorot(next(seed)),
            recurrent_initializer=glorot(next(seed)),
            seed=next(seed),
        )
    ),
    "Embedding": lambda seed: layers.Embedding(
        5, 2, embeddings_initializer=keras.initializers.RandomUniform(seed=next(seed))
    ),
    "Conv1D": lambda seed: layers.Conv1D(3, 2, kernel_initializer=glorot(next(seed))),
    "SeparableConv1D": lambda seed: layers.SeparableConv1D(
        3,
        2,
        depthwise_initializer=glorot(next(seed)),
        pointwise_initializer=glorot(next(seed)),
    ),
    "DepthwiseConv2D": lambda seed: keras.Sequential(
        [
            layers.Reshape((4, 4, 1)),
            layers.DepthwiseConv2D(2, depthwise_initializer=glorot(next(seed))),
        ]
    ),
    "GaussianNoise": lambda seed: layers.GaussianNoise(0.3, seed=next(seed)),
    "SpatialDropout1D": lambda seed: layers.SpatialDropout1D(0.3, seed=next(seed)),
    "no dropout": lambda seed: layers.Dropout(0.0, seed=next(seed)),
    "another initializer": lambda seed: layers.Dense(
        3, kernel_initializer=keras.initializers.HeNormal(seed=next(seed))
    ),
    "a random bias": lambda seed: layers.Dense(
        3,
        kernel_initializer=glorot(next(seed)),
        bias_initializer=keras.initializers.RandomNormal(seed=next(seed)),
    ),
    "a seed passed over": lambda seed: layers.Dense(
        3, kernel_initializer=glorot((next(seed), next(seed))[1])
    ),
    "a seed of its own": lambda seed: layers.Dense(3, kernel_initializer=glorot(5)),
    "a network within": lambda seed: keras.Sequential(
        [layers.Dense(3, kernel_initializer=glorot(next(seed)))]
    ),
}


def builder_with(body):
    def build(*, activation="relu", dtype="float32", seed=None):
        seeds = layer_seeds(seed)
        return keras.Sequential(
            [
                layers.Input((4, 4)),
                BODIES[body](seeds),
                layers.Flatten(),
                layers.Dense(2, kernel_initializer=glorot(next(seeds))),
            ]
        )

    return build


def builder_with_the_seed_itself(*, dtype="float32", seed=None):
    return keras.Sequential(
        [layers.Input((4,)), layers.Dense(2, kernel_initializer=glorot(seed))]
    )


def builder_with_given_weights(*, dtype="float32", seed=None):
    network = sknn_mnist.build_dense((4,), 2, hidden_size=3, dtype=dtype, seed=seed)
    network.layers[0].set_weights([np.ones((4, 3)), np.ones(3)])
    return network


def builder_of_branches(*, dtype="float32", seed=None):
    seeds = layer_seeds(seed)
    inputs = layers.Input((4,))
    branches = [
        layers.Dense(units, kernel_initializer=glorot(next(seeds)))(inputs)
        for units in (2, 3)
    ]
    return keras.Model(inputs, layers.Concatenate()(branches[::-1]))


BUILDERS = {
    **{name: builder_with(name) for name in BODIES},
    "the seed itself": builder_with_the_seed_itself,
    "given weights": builder_with_given_weights,
    "branches": builder_of_branches,
}


def recipe_of(builder, seed, **options):
    return NetworkRecipe(
        builder,
        {"dtype": "float32", **options},
        {"optimizer": "adam", "learning_rate": None, "loss": "mse", "metrics": None},
        "test",
        seed,
    )


def lent(recipe):
    with _pool.borrow(recipe, None) as fused:
        return fused.network, get_state(fused.network)["network"]


def check_lent_networks_start_as_new_ones(builder, **options):
    networks = set()
    for seed in SEEDS:
        recipe = recipe_of(builder, seed, **options)
        new = get_state(recipe.new_network())["network"]
        network, values = lent(recipe)
        networks.add(id(network))
        for value, expected in zip(values, new, strict=True):
            np.testing.assert_array_equal(value, expected)
            assert value.dtype == expected.dtype
    assert len(networks) == 1  # the pool's


@pytest.mark.parametrize("name", BUILDERS)
def test_a_pooled_network_of_any_layers_starts_as_a_new_one(name, monkeypatch):
    monkeypatch.setattr(_recipes, "BUILDERS", (BUILDERS[name],))
    check_lent_networks_start_as_new_ones(BUILDERS[name])


# Of each builder of the package a network that draws all that it can draw.
ALL_DRAWS = {
    "build_cnn": {
        "input_shape": (6, 6, 1),
        "batch_norm": True,
        "dropout": 0.5,
        "augmentation": ["rotation", "flip"],
    },
    "build_dense": {"input_shape": (6,), "batch_norm": True, "dropout": 0.5},
}


# Not those that are made of a config, whose initial values come with them.
DRAWING = [each for each in _recipes.BUILDERS if each is not made_from_config]


@pytest.mark.parametrize("builder", DRAWING, ids=lambda each: each.__name__)
@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16"])
def test_the_packages_own_are_drawn_anew_and_not_built_anew(
    builder, dtype, monkeypatch
):
    options = {**ALL_DRAWS[builder.__name__], "activation": "relu", "dtype": dtype}
    check_lent_networks_start_as_new_ones(builder, **options)
    built = []
    original = NetworkRecipe.new_network
    monkeypatch.setattr(
        NetworkRecipe,
        "new_network",
        lambda *args, **kwargs: built.append(1) or original(*args, **kwargs),
    )
    for seed in SEEDS:
        lent(recipe_of(builder, seed, **options))
    assert not built


@pytest.mark.parametrize("seed", [0, 1, 2, 1_234_567, 2**31 - 2])
def test_no_layer_of_augmentation_has_the_seed_of_another(seed):
    near = [(seed + each) % 2**31 for each in (-1, 0, 1)]
    others = {each for one in near for each in islice(layer_seeds(one), 1000)}
    own = set(islice(augmentation_seeds(seed), 1000))
    assert len(own) == 1000
    assert not own & others
