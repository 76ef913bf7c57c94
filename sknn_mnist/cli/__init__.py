"""The command line ``sknn-mnist``: searches, fits and predictions from a shell.

May know all wings; no wing knows it. `_main` starts here: `_parser` and the rooms of
options beside it turn what was typed into one of the values of `_arguments`, and each
command has a room that takes its value: `_search` (with `_candidates`, `_plan`,
`_searcher`, `_dask`, `_report`, `_reproduction`, `_results`), `_fit`, `_evaluate`,
`_predict`, `_datasets`, `_cache`, `_examples`. `_loading` reads data, `_own_data`
images of the user's own, `_images` those to predict; `_layouts` and `_scales` bring
them to what a network takes. `_own_networks` imports what makes networks of the user's
own.
"""

from sknn_mnist.cli._main import main

__all__ = [
    "main",
]
