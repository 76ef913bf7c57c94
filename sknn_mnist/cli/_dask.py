"""A search's fits on a Dask cluster, through joblib."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sknn_mnist.cli._errors import CommandError, sentence, tell

__all__ = ["LOCAL", "on_dask", "rerunning_after_losses"]

LOCAL = "local"

# A scheduler that does not answer for so long is not there.
CONNECT_SECONDS = 10

# Most runs of a search that loses workers.
ATTEMPTS = 5


@contextmanager
def on_dask(where: str | None, n_workers: int | None, quiet: bool) -> Iterator[None]:
    """Run what joblib runs on a cluster while the block runs.

    Parameters
    ----------
    where : str or None
        Address of a scheduler, "local" for worker processes on this machine, None for
        no cluster at all.
    n_workers : int or None
        Of a local cluster; one per core if None or -1.
    quiet : bool
        Whether to keep silent about the cluster.
    """
    if where is None:
        yield
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError as err:
        raise CommandError(
            '--dask needs Dask: pip install "sknn_mnist[dask]"', code=2
        ) from err
    import joblib

    with ExitStack() as stack:
        if where == LOCAL:
            # One process per worker, each with one thread: TensorFlow would share its
            # threads out among fits of the same process.
            cluster = LocalCluster(
                n_workers=joblib.cpu_count() if n_workers in (None, -1) else n_workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs="ERROR",
            )
            client = Client(stack.enter_context(cluster))
        else:
            try:
                client = Client(where, timeout=CONNECT_SECONDS)
            except Exception as err:  # of an address that is none, even an assertion
                raise CommandError(
                    f"--dask: no scheduler at {where} ({sentence(err)})"
                ) from err
        stack.enter_context(client)
        if not quiet:
            found = len(client.scheduler_info(n_workers=-1)["workers"])
            tell(f"dask: {found} worker(s) at {client.scheduler.address}")
        stack.enter_context(joblib.parallel_config("dask"))
        yield


def rerunning_after_losses(search: Callable[[], None]) -> None:
    """Run a search again where a worker was lost with data that only it had.

    Dask computes what a lost worker had computed elsewhere; what had been sent to it
    alone is gone, and the search with it. With the same memory, another run of it
    goes on from the epochs that were trained.

    Parameters
    ----------
    search : callable
        Runs the search.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return search()
        except Exception as err:
            if type(err).__module__.partition(".")[0] != "distributed":
                raise
            if attempt == ATTEMPTS:
                raise CommandError(
                    f"--dask: workers were lost {ATTEMPTS} times ({sentence(err)})"
                ) from err
            tell("dask: a worker was lost; the search goes on from what is kept")
