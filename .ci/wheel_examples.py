"""Puts the examples into wheels, where `sknn-mnist examples` finds them.

Not into editable installs: those lead to the checkout, which has them.
"""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Examples(BuildHookInterface):
    def initialize(self, version, build_data):
        if version != "editable":
            for each in ("lesson", "further", "run_all.py"):
                target = f"sknn_mnist/lesson/examples/{each}"
                build_data["force_include"][f"examples/{each}"] = target
