"""A training in its own process, so that it takes neither memory nor time from the server.

python -m recommender.worker HOME TENANT SCENE RUN_ID SEED [PARENT]; it ends when the process PARENT ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

from plumbing.clock import Clock, system_clock
from plumbing.serving.process import die_with_parent
from plumbing.settings import Config
from recommender.config import RecommenderConfig
from recommender.store.runs import ModelStore
from recommender.training.trainer import Launch

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""One thread each: with more, the last digits of sums differ from run to run."""

SECRETS = ("USUAL_RECOMMENDER_KEY",)
"""Variables that a training does not need."""


LONGEST_S = 6 * 3_600
"""A training that takes longer hangs: it is killed, so that the next one can begin."""


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
            _wait_for(process, models, (tenant, run_id), now_us)

        threading.Thread(target=start_and_wait, name=f"training {scene}", daemon=True).start()
        started.result()

    return launch


def _wait_for(process: subprocess.Popen[bytes], models: ModelStore, run: tuple[str, str], now_us: Clock) -> None:
    """Close the run of a process that failed; the one of a process that was killed is lost, and may be tried
    again."""
    try:
        code = process.wait(LONGEST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        models.end(*run, "failed", f"The training took more than {LONGEST_S // 3600} hours.", now_us())
        return
    if code < 0:
        models.lose(*run, f"The training process was killed (signal {-code}).")
    elif code:
        models.end(*run, "failed", f"The training process ended with status {code}.", now_us())


def main(arguments: list[str]) -> None:
    """Do the training of one run; its outcome is in the store."""
    home, tenant, scene, run_id, seed, *parent = arguments
    if parent:
        die_with_parent(int(parent[0]))
    from recommender.assembly import open_stores, trainer_of

    os.nice(5)
    settings = Config.from_environment().model_copy(update={"home": Path(home)})
    config = RecommenderConfig.of(settings, seed=int(seed))
    stores = open_stores(config)
    try:
        trainer_of(stores, config, system_clock).run(tenant, scene, run_id, seed=config.seed)
    finally:
        stores.close()


if __name__ == "__main__":
    main(sys.argv[1:])
