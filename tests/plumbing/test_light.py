"""A server imports nothing of what only more machines, an engine, a training or a drawing need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PROBE = """
import sys
from pathlib import Path
from app import create_app
from plumbing.settings import Config
create_app(Config(home=Path(sys.argv[1]), only="recommender"))
import identity.web.half
elsewhere = {"psycopg", "psycopg_pool", "obstore", "dask", "distributed", "pyarrow", "nats"}
elsewhere |= {"onnxruntime", "cv2", "dlib", "matplotlib", "sklearn", "lightfm", "pandas", "faiss"}
print(sorted(elsewhere & set(sys.modules)))
"""


def test_a_server_with_its_state_in_files_imports_what_it_serves_with_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"
