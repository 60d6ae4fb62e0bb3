"""A training in its own process, so that it takes neither memory nor time from the server.

python -m recommender.worker HOME TENANT SCENE RUN_ID SEED [PARENT]; it ends when the process PARENT ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from plumbing.clock import Clock, system_clock
from plumbing.serving.process import die_with_parent
from plumbing.settings import Config
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from recommender.config import RecommenderConfig
from recommender.store.runs import ModelStore
from recommender.training.outcomes import cancelled, is_full, killed, sentence
from recommender.training.priority import step_back, usual_ceiling_mb
from recommender.training.run_book import Bounds, leave_process
from recommender.training.trainer import Launch

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""One thread each: with more, the last digits of sums differ from run to run."""

SECRETS = ("USUAL_RECOMMENDER_KEY", "USUAL_MAIL_PASSWORD_FILE")
"""Variables that a training does not need."""

LONGEST_S = 6 * 3_600
"""A training that takes longer hangs: it is killed, so that the next one can begin."""

LOOK_S = 0.25
PATIENCE_S = 0.9
"""So long a training may take to end by itself when somebody cancels it; then its process is killed."""

PUBLISHING_S = 30.0
"""A training that publishes is let alone for so long: it ends with a whole version."""

DISK_FULL = 28
"""The status of a training that could not even write down how it ended."""

ROOM_EVERY_S, ROOM_TRIES = 1.0, 600


def launch_process(config: RecommenderConfig, models: ModelStore, now_us: Clock) -> Launch:
    """Makes a `Launch` that starts the worker process, and closes the run if that process fails.

    A thread of its own starts the process and waits for it: the kernel ends a process with the thread that started
    it (`plumbing.serving.process.die_with_parent`).
    """

    def launch(tenant: str, scene: str, run_id: str) -> None:
        command = [sys.executable, "-m", "recommender.worker", str(config.home.resolve()), tenant, scene, run_id]
        lock = models.descriptor(run_id)
        started: Future[None] = Future()

        def start_and_wait() -> None:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own module, arguments as a list
                    [*command, str(config.seed), str(os.getpid())],
                    env={name: value for name, value in os.environ.items() if name not in SECRETS} | THREADS,
                    stdin=subprocess.DEVNULL,
                    cwd=Path(__file__).resolve().parent.parent,
                    pass_fds=() if lock is None else (lock,),  # it holds the run until it ends, in whatever way
                )
            except OSError as error:
                started.set_exception(error)
                return
            models.handed_on(run_id)
            started.set_result(None)
            _Watched(process, models, (tenant, scene, run_id), now_us).until_it_ends()

        threading.Thread(target=start_and_wait, name=f"training {scene}", daemon=True).start()
        started.result()

    return launch


class _Watched:
    """The process of a run, until it has ended."""

    def __init__(
        self, process: subprocess.Popen[bytes], models: ModelStore, run: tuple[str, str, str], now_us: Clock
    ) -> None:
        self._process, self._models, self._now_us = process, models, now_us
        self._tenant, self._scene, self._run_id = run

    def until_it_ends(self) -> None:
        """Close the run of a process that failed; the one of a process that was killed is lost, and may be tried
        again."""
        until = time.monotonic() + LONGEST_S
        asked: float | None = None
        code: int | None = None
        while code is None:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(LOOK_S)
                break
            if time.monotonic() > until:
                self._kill()
                self._end("failed", sentence("training-too-long", hours=LONGEST_S // 3600))
                return
            if asked is None and self._cancelled_by():
                asked = time.monotonic()
            if asked is not None and time.monotonic() - asked > self._patience():
                who = self._cancelled_by()
                self._kill()
                if who:
                    self._end("cancelled", cancelled(who))
                return
        self._close(code or 0)

    def _close(self, code: int) -> None:
        if code < 0:
            self._models.lose(self._tenant, self._run_id, killed(-code))
        elif code == DISK_FULL:
            self._end("failed", sentence("training-disk-full"))
        elif code:
            self._end("failed", sentence("training-broke-off", status=code))

    def _cancelled_by(self) -> str:
        with suppress(DatabaseBusy):
            return self._models.cancelled_by(self._tenant, self._run_id)
        return ""

    def _patience(self) -> float:
        with suppress(DatabaseBusy):
            if self._models.run(self._tenant, self._scene, self._run_id).share >= 0.96:
                return PUBLISHING_S
        return PATIENCE_S

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _end(self, state: str, why: str) -> None:
        """While the disk is full nothing can be written; it is tried again for ten minutes."""
        for _ in range(ROOM_TRIES):
            with suppress(DiskFull, DatabaseBusy):
                self._models.end(self._tenant, self._run_id, state, why, self._now_us())
                return
            time.sleep(ROOM_EVERY_S)


def main(arguments: list[str]) -> None:
    """Do the training of one run; its outcome is in the store."""
    home, tenant, scene, run_id, seed, *parent = arguments
    if parent:
        die_with_parent(int(parent[0]))
    from recommender.assembly import open_stores, trainer_of

    settings = Config.from_environment().model_copy(update={"home": Path(home)})
    config = RecommenderConfig.of(settings, seed=int(seed))
    stores = open_stores(config)
    bounds = Bounds(settings.training_memory or usual_ceiling_mb(), leave_process if parent else None)
    try:
        trainer = trainer_of(stores, config, system_clock, bounds=bounds)
        trainer.run(tenant, scene, run_id, seed=config.seed)
    except (DiskFull, OSError) as error:
        if not isinstance(error, DiskFull) and not is_full(error):
            raise
        sys.exit(DISK_FULL)
    finally:
        stores.close()


if __name__ == "__main__":
    step_back()
    main(sys.argv[1:])
