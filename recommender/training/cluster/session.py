"""A cluster for one training: found or started, compared with this machine, and left as it was."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.errors import ClusterError
from recommender.ranking.partitions import InTurn, Mapper

SINGLE = "single"
LOCAL = "local"
MEMORY = "1GiB"
CONNECT_S = 15.0
NEEDED = "Training on a cluster needs the extra `scale`: pip install 'usual[scale]'."


@dataclass(frozen=True, slots=True)
class Where:
    """Where a training is done.

    `address` is "single" (part by part in this process), "local" or "local:N" (N worker processes here), or
    a scheduler: "tcp://host:port", "tls://host:port".
    """

    address: str
    memory: str = MEMORY  # of each local worker
    shared_folder: Path | None = None  # where the parts are written; None: the home
    processes: bool = True  # local workers are processes; threads are for tests

    @property
    def workers(self) -> int | None:
        """Local workers; None: it is no local cluster."""
        name, _, number = self.address.partition(":")
        if name != LOCAL:
            return None
        return int(number) if number else max(len(os.sched_getaffinity(0)), 1)

    @classmethod
    def of(cls, address: str, memory: str = MEMORY, shared_folder: Path | None = None) -> Where:
        """Raises ClusterError: it is no address, or no amount of memory."""
        name, _, number = address.partition(":")
        local = name == LOCAL and (
            (not number and ":" not in address) or (number.isdecimal() and 0 < int(number) < 1000)
        )
        remote = name in ("tcp", "tls") and number.startswith("//") and number.rpartition(":")[2].isdecimal()
        if not (local or remote or address == SINGLE):
            raise ClusterError(
                f"A cluster is single, local, local:2 or tcp://host:8786, not {address!r}.", address=address
            )
        if not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", memory):
            raise ClusterError(f"The memory of a worker reads 1GiB or 500MB, not {memory!r}.")
        return cls(address, memory, shared_folder)


@contextmanager
def mapper_of(where: Where, folder: Path) -> Iterator[Mapper]:
    """A mapper for one training; `folder` is private and holds its parts. Nothing of it is left at the end.

    Raises:
        ClusterError: the extra is not installed, the scheduler cannot be reached or has no worker, or a worker
            differs from this machine.
    """
    if where.address == SINGLE:
        yield InTurn()
        return
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ClusterError(NEEDED) from error
    from recommender.training.cluster.mapper import OnCluster

    with dask.config.set(SETTINGS), _quiet(), _client(distributed, where, folder) as client:
        compare(client)
        yield OnCluster(client, carry=not all_read(client, folder))


NOBODY = "127.0.0.1:0"
"""Dask always opens a port for HTTP: here it has no page, and only this machine reaches it."""

SETTINGS = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,  # what is in memory never goes to a disk
    "distributed.worker.memory.pause": 0.9,
    "distributed.worker.memory.terminate": 0.97,
    "distributed.admin.large-graph-warning-threshold": "1GiB",
    "distributed.comm.timeouts.connect": "10s",
    "distributed.diagnostics.nvml": False,
}


@contextmanager
def _client(distributed: Any, where: Where, folder: Path) -> Iterator[Any]:
    if where.workers is None:
        try:
            client = distributed.Client(where.address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, distributed.TimeoutError, ValueError) as error:
            raise ClusterError(
                f"No scheduler answers at {where.address}: start one there (`dask scheduler`), or name another."
            ) from error
        with client:
            _require_workers(client, distributed, where)
            yield client
        return
    cluster = distributed.LocalCluster(
        n_workers=where.workers,
        threads_per_worker=1,
        processes=where.processes,
        # Threads share this process: dask would count all of its memory as theirs, and pause them for ever.
        memory_limit=where.memory if where.processes else None,
        dashboard_address=NOBODY,
        worker_dashboard_address=NOBODY,
        scheduler_kwargs={"dashboard": False},
        host="127.0.0.1" if where.processes else None,
        local_directory=str(folder),
        silence_logs=logging.ERROR,
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        _require_workers(client, distributed, where)
        yield client


def _require_workers(client: Any, distributed: Any, where: Where) -> None:
    try:
        client.wait_for_workers(where.workers or 1, timeout=60 if where.workers else CONNECT_S)
    except (distributed.TimeoutError, OSError) as error:
        raise ClusterError(
            f"The scheduler at {where.address} has no worker: start some (`dask worker {where.address}`)."
        ) from error


def compare(client: Any) -> None:
    """Compare every worker with this machine. Raises ClusterError: one has another version, or rounds apart."""
    from recommender.training.cluster.mapper import differs_at
    from recommender.training.cluster.same import makeup

    ours = makeup()
    for worker, theirs in client.run(makeup, on_error="return").items():
        if isinstance(theirs, BaseException):
            different = f"no usual that can do this work ({type(theirs).__name__})"
            raise ClusterError(differs_at(worker, different)) from theirs
        if said := ours.differs(theirs):
            raise ClusterError(differs_at(worker, said))


def all_read(client: Any, folder: Path) -> bool:
    """Whether every worker sees the folder of the parts."""
    from recommender.training.cluster.mapper import reads

    probe = folder / "probe"
    probe.touch(mode=0o600)
    try:
        return all(found is True for found in client.run(reads, probe, on_error="return").values())
    finally:
        probe.unlink()


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask's own messages are about its inside; what concerns a training is raised."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.worker", "distributed.nanny")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
