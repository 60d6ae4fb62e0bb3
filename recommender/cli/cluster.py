"""The options of commands that can work on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from plumbing.cli import errors_as_one_line
from plumbing.problem import Problem

if TYPE_CHECKING:
    from recommender.ranking.partitions import Mapper

WHERE = "tcp://HOST:PORT of a Dask scheduler; local or local:N, N workers here; single, no Dask and little memory."


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` --cluster and --worker-memory as `cluster` and `worker_memory`."""
    command = click.option(
        "--worker-memory", default="1GiB", show_default=True, help="With --cluster local: limit of each worker."
    )(command)
    return click.option("--cluster", metavar="WHERE", help=WHERE)(command)


@contextmanager
def cluster_for_batch(cluster: str | None, worker_memory: str) -> Iterator[Mapper | None]:
    """Where a bulk run is done; None: in this process, all at once. Workers get what they need with their work.

    One thread for arithmetic, there and here: with more, the last digits of sums may differ.
    """
    from threadpoolctl import threadpool_limits

    with errors_as_one_line(Problem), threadpool_limits(1, "blas"):
        if cluster is None:
            yield None
            return
        from recommender.training.cluster.session import Where, mapper_of

        where = Where.of(cluster, worker_memory)
        with TemporaryDirectory(prefix="usual-batch-") as folder, mapper_of(where, Path(folder)) as mapper:
            yield mapper
