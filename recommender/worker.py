"""A training in its own process, so that it takes neither memory nor time from the server.

python -m recommender.worker HOME TENANT SCENE RUN_ID SEED
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from plumbing.clock import Clock, system_clock
from recommender.config import RecommenderConfig
from recommender.store.runs import ModelStore
from recommender.training.trainer import Launch

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""One thread each: with more, the last digits of sums differ from run to run."""


def launch_process(config: RecommenderConfig, models: ModelStore, now_us: Clock) -> Launch:
    """Makes a `Launch` that starts the worker process, and closes the run if that process fails."""

    def launch(tenant: str, scene: str, run_id: str) -> None:
        command = [sys.executable, "-m", "recommender.worker", str(config.home.resolve()), tenant, scene, run_id]
        process = subprocess.Popen(  # noqa: S603 - our own module, arguments as a list
            [*command, str(config.seed)],
            env=os.environ | THREADS,
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent,
        )

        def wait() -> None:
            code = process.wait()
            if code:
                models.end(tenant, run_id, "failed", f"The training process ended with status {code}.", now_us())

        threading.Thread(target=wait, name=f"training {scene}", daemon=True).start()

    return launch


def main(arguments: list[str]) -> None:
    """Do the training of one run; its outcome is in the store."""
    from recommender.assembly import open_stores, trainer_of

    home, tenant, scene, run_id, seed = arguments
    os.nice(5)
    config = RecommenderConfig(home=Path(home), token_keys=(), seed=int(seed))
    stores = open_stores(config)
    try:
        trainer_of(stores, config, system_clock).run(tenant, scene, run_id, seed=config.seed)
    finally:
        stores.database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
