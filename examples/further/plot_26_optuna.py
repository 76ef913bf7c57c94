"""
Optuna suggests, the folds decide
=================================

Hyperband draws its nets blindly. Optuna's samplers learn from the nets before where to
look, and its pruners stop a net that falls behind. Here a net trains by rungs of 1, 3,
9 and 27 epochs; Optuna is told the mean over all folds at each, and with `memory` the
net goes on from the last. Needs Optuna: pip install "sknn_mnist[optuna]".

.. code-block:: sh

    python examples/further/plot_26_optuna.py [--dataset mnist] [--full]
"""

# %%
# The data, flat, and the folds, which are the same for all nets.
import tempfile

import matplotlib.pyplot as plt
import optuna
from sklearn.model_selection import StratifiedKFold, cross_val_score

from sknn_mnist import DenseClassifier
from sknn_mnist.lesson import arguments, claim, load, save

args = arguments(__doc__)
X_train, X_test, y_train, y_test = load(args)
RUNGS = [1, 3, 9, 27]
N_TRIALS = 40 if args.full else 8
folds = StratifiedKFold(3)
optuna.logging.set_verbosity(optuna.logging.WARNING)


# %%
# A trial. `cross_val_score` trains three nets from their last rung to this one, side by
# side with `n_jobs`, and only then Optuna may stop all three: it never judges by a
# single fold.
class Objective:
    """Trains what Optuna suggests, and counts the rungs that were trained."""

    def __init__(self, memory):
        self.memory = memory
        self.trained = 0

    def __call__(self, trial):
        net = self.suggested(trial)
        for epochs in RUNGS:
            net.set_params(epochs=epochs)
            scores = cross_val_score(
                net, X_train, y_train, cv=folds, scoring=self.score
            )
            trial.report(scores.mean(), step=epochs)
            if epochs < RUNGS[-1] and trial.should_prune():
                raise optuna.TrialPruned
        return scores.mean()

    def suggested(self, trial):
        return DenseClassifier(
            hidden_size=trial.suggest_int("hidden_size", 16, 256, log=True),
            dropout=trial.suggest_float("dropout", 0.0, 0.5),
            learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            batch_norm=trial.suggest_categorical("batch_norm", [False, True]),
            memory=self.memory,
            random_state=0,
        )

    def score(self, net, X, y):
        self.trained += net.n_iter_ - net.initial_epoch_
        return net.score(X, y)


def study(storage=None, seed=0):
    return optuna.create_study(
        study_name="digits",
        storage=storage,
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.SuccessiveHalvingPruner(
            min_resource=RUNGS[0], reduction_factor=3
        ),
    )


# %%
# The search. With a folder as memory, what was trained outlives the process: give it a
# name of your own in place of this temporary one.
folder = tempfile.TemporaryDirectory()
objective = Objective(folder.name)
first = study()
first.optimize(objective, n_trials=N_TRIALS)
full = N_TRIALS * RUNGS[-1] * folds.get_n_splits()
print(f"epochs trained: {objective.trained:,}; all nets to the end: {full:,}")
claim("pruned nets have spared epochs", objective.trained < full)

# %%
# Killed, and run again: a seeded sampler suggests the same, the memory has what was
# trained, and the same study comes out in little time. Here all was trained before.
replayed = Objective(folder.name)
second = study()
second.optimize(replayed, n_trials=N_TRIALS)
print(f"run again: {replayed.trained} epochs trained")
claim("nothing was trained again", replayed.trained == 0)
claim(
    "the same nets, with the same scores at each rung",
    [(each.params, each.intermediate_values) for each in first.trials]
    == [(each.params, each.intermediate_values) for each in second.trials],
)

# %%
# With a storage of Optuna's the trials themselves are kept, for processes that work on
# one study at a time, or one after the other. A sampler's random numbers are not: with
# the same seed it would begin with the same suggestions, so give another. A trial that
# was killed stays there as running; named again, it goes on from what the memory has.
storage = f"sqlite:///{folder.name}/study.db"
killed = study(storage).ask()
objective.suggested(killed)
resumed = Objective(folder.name)
later = study(storage, seed=1)
for trial in later.get_trials(states=[optuna.trial.TrialState.RUNNING]):
    later.enqueue_trial(trial.params)
later.optimize(resumed, n_trials=1)
print(f"the killed trial in a storage: {resumed.trained} epochs trained")
claim("it is the one that was killed", later.trials[-1].params == killed.params)
claim("what it had trained is found", resumed.trained == 0)

# %%
# A line for each trial, which ends where it was pruned.
figure, ax = plt.subplots(layout="constrained")
for trial in first.trials:
    ax.plot(*zip(*trial.intermediate_values.items(), strict=True), marker=".")
ax.set(xscale="log", xlabel="epochs", ylabel="accuracy, mean of the folds")
ax.set_xticks(RUNGS, RUNGS)
save(figure, args, "26_optuna")

# %%
# The best of those that came to the end, trained on all rows.
best = DenseClassifier(**first.best_params, epochs=RUNGS[-1], random_state=0)
best.fit(X_train, y_train)
print("best:", first.best_params)
print(f"accuracy on the test set: {best.score(X_test, y_test):.4f}")

# %%
# Try it
# ------
# Give the study a ``NopPruner`` in place of ``SuccessiveHalvingPruner``. What changes,
# and what does not?
#
# .. dropdown:: Answer
#
#    All nets are trained to the last rung: as many epochs as the second number above.
#    The first net is the same one, as the sampler's seed is. Later ones may differ: the
#    sampler learns from what the nets before came to, and now they all came to the end.
