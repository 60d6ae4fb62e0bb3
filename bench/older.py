"""A house of an older commit, served by that commit's own code, beside one of today's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import ROOT


@contextmanager
def tree_of(commit: str, folder: Path) -> Iterator[Path | None]:
    """The files of the commit; None where the history is not there (an archive, a shallow clone)."""
    git = shutil.which("git")
    folder.mkdir()
    packed = folder.with_suffix(".tar")
    order = [git or "git", "-C", str(ROOT), "archive", "--output", str(packed), commit]
    if git is None or subprocess.run(order, check=False, capture_output=True).returncode:
        print(f"no commit {commit} here: nothing is measured beside", file=sys.stderr)
        yield None
        return
    shutil.unpack_archive(packed, folder, filter="data")
    yield folder


@contextmanager
def house_of(tree: Path, folder: Path, cache: Path, *options: str) -> Iterator[dict[str, Any]]:
    """What `older_house.py` says of a house that serves, made by the code of `tree` alone.

    Raises RuntimeError: it ended before it served.
    """
    folder.mkdir()
    script = Path(__file__).with_name("older_house.py")
    # Not run as a file: the folder of the script, which is of this commit, would be the first on the path.
    run = f"runpy.run_path({str(script)!r}, run_name='__main__')"
    boot = f"import sys, runpy; sys.path.insert(0, {str(tree)!r}); {run}"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", boot, str(folder), str(cache.resolve()), *options],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the house of {tree} ended before it served")
        yield json.loads(said)
    finally:
        process.stdin.close()  # it stops its server and ends
        process.wait(60)
