"""The command that trains one net."""

from __future__ import annotations

from sknn_mnist.cli._arguments import Fit, Place
from sknn_mnist.cli._errors import expecting, tell
from sknn_mnist.cli._estimator import make_estimator, parameters_of
from sknn_mnist.cli._layouts import as_network_takes
from sknn_mnist.cli._loading import load_data
from sknn_mnist.cli._memory import going_on, prepare_memory, tell_kept
from sknn_mnist.cli._own_networks import OwnFunction, calling, import_function
from sknn_mnist.cli._stopping import (
    about_stopping,
    course_of,
    parameters_of_stopping,
)

__all__ = ["run_fit"]


def run_fit(asked: Fit) -> None:
    """Train one net, and test it."""
    import pandas as pd

    from sknn_mnist.cli._outputs import check_writable

    seed = asked.network.random_state
    parameters = {
        **parameters_of(asked.network, ("verbose",)),
        "random_state": seed,
        **parameters_of_stopping(asked.stopping, seed),
        "verbose": asked.verbose,
        "memory": asked.memory,
    }
    save = check_writable(asked.save) if asked.save else None
    model = asked.network.model
    made_by = import_function(model) if isinstance(model, Place) else model
    function = made_by if isinstance(made_by, OwnFunction) else None
    estimator = make_estimator(made_by, parameters)
    prepare_memory(asked.memory)
    data = load_data(asked.data)
    data = as_network_takes(data, estimator, function)
    if about := about_stopping(asked.stopping):
        tell(about)
    with going_on(asked.memory), calling(function), expecting():
        estimator.fit(data.X_train, data.y_train)
    history = pd.DataFrame(estimator.history_)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    print(history.to_markdown(floatfmt=".4f"))
    if asked.stopping.early_stopping:
        print(f"\n{course_of(estimator)}")
    print(f"\ntrain accuracy: {estimator.score(data.X_train, data.y_train):.4f}")
    print(f"test accuracy: {estimator.score(data.X_test, data.y_test):.4f}")
    if save:
        with expecting():
            estimator.save(save)
        print(f"saved to {save}")
    if asked.memory:
        tell_kept(asked.memory)
