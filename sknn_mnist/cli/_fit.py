"""The command that trains one net."""

from __future__ import annotations

import argparse

from sknn_mnist.cli._errors import expecting
from sknn_mnist.cli._estimator import accuracy, make_estimator
from sknn_mnist.cli._inputs import data_of
from sknn_mnist.cli._memory import going_on, prepare_memory, tell_kept
from sknn_mnist.cli._network_options import given_options

__all__ = ["run_fit"]


def run_fit(args: argparse.Namespace) -> None:
    import pandas as pd

    from sknn_mnist.cli._outputs import check_writable

    with expecting(code=2):
        given = given_options(args)
    given.update(
        random_state=args.random_state,
        validation_split=args.validation_split,
        verbose=args.verbose,
    )
    save = check_writable(args.save) if args.save else None
    estimator = make_estimator(args.model, {**given, "memory": args.memory})
    prepare_memory(args.memory)
    data = data_of(args)
    with going_on(args.memory), expecting():
        estimator.fit(data.X_train, data.y_train)
    history = pd.DataFrame(estimator.history_)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    print(history.to_markdown(floatfmt=".4f"))
    print(f"\ntrain accuracy: {accuracy(estimator, data.X_train, data.y_train):.4f}")
    print(f"test accuracy: {accuracy(estimator, data.X_test, data.y_test):.4f}")
    if save:
        estimator.save(save)
        print(f"saved to {save}")
    if args.memory:
        tell_kept(args.memory)
