"""No telemetry: counted on real runs, not read from imports."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.watch import COMPILER, Watch

SESSION = """
import time
from pathlib import Path
from identity.engines.sessions import open_session
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool

cache = Path({cache!r})
workers = EnginePool(Launch("dlib", None, cache))
workers.start()
open_session(next(cache.rglob("*.onnx")))
time.sleep(0.5)
for pid in workers.processes:
    links = [Path(link).resolve() for link in (Path("/proc") / str(pid) / "fd").iterdir()]
    print(*(link for link in links if link.is_file() or link.is_dir()), sep="\\n")
workers.close()
"""
"""A session in this process and a worker of the pack; prints the files that the worker holds open."""


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    if COMPILER is None:
        pytest.skip("no C compiler")
    return Watch(tmp_path / "watch")


def test_the_watch_sees_what_is_done(watch: Watch, tmp_path: Path) -> None:
    """Otherwise the tests below would show nothing: also in a process whose environment was cleared."""
    inner = (
        "import socket, contextlib\n"
        "with contextlib.suppress(OSError): socket.getaddrinfo('nobody.invalid', 80)\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "with contextlib.suppress(OSError): s.connect(('192.0.2.1', 9))\n"
        f"open({str(tmp_path / 'left')!r}, 'w').close()\n"
    )
    outer = (
        "import os, subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {inner!r}], env={{'PYTHONPATH': os.environ['PYTHONPATH']}})"
    )

    done = watch.run("-c", outer, cwd=tmp_path)

    assert not done.stderr
    seen = watch.seen()
    assert seen.lookups == ["nobody.invalid"]
    assert "192.0.2.1" in seen.connections
    assert seen.files_outside() == [str(tmp_path / "left")]


def test_the_engine_looks_nothing_up_and_keeps_no_file(watch: Watch, engine_cache: Path) -> None:
    """onnxruntime in the library and in a worker: no look-up, no device id, no file held open behind the wall."""
    done = watch.run("-c", SESSION.format(cache=str(engine_cache)), cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["/dev/null"] * done.stdout.count("/dev/null")
    seen = watch.seen()
    assert seen.lookups == seen.connections == []
    assert seen.files_outside(engine_cache) == []
    assert watch.kept() == []


def test_drawing_a_curve_keeps_no_file(watch: Watch) -> None:
    """matplotlib's folders and fontconfig's cache are temporary, also where the home cannot be written."""
    watch.home.chmod(0o500)
    draw = (
        "import numpy as np\nfrom identity.evaluation.curve import Scored\n"
        "from identity.evaluation.plot import draw_curve\n"
        "assert draw_curve(Scored(np.linspace(0, .5, 40), np.linspace(.4, .9, 40), 100))[:4] == b'\\x89PNG'\n"
    )

    done = watch.run("-c", draw, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert not done.stderr
    seen = watch.seen()
    assert seen.lookups == seen.connections == []
    assert seen.files_outside(watch.temporary) == []
    assert watch.kept() == []


def test_every_command_runs_with_telemetry_off(watch: Watch) -> None:
    """`usual` sets the variable before anything is imported, so all that it starts has it too."""
    done = watch.run("-c", "import app, os, json; print(json.dumps(dict(os.environ)))", cwd=ROOT)

    assert json.loads(done.stdout)["ORT_DISABLE_TELEMETRY"] == "1"


ONLY_THERE = ("onnxruntime", "matplotlib")


def imports_of(tree: ast.AST) -> set[str]:
    """The libraries that a file imports when it runs: not those for the type checker alone."""
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found = set[str]()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_one_place_imports_what_would_speak() -> None:
    """`plumbing.serving.silence` alone imports onnxruntime and matplotlib; the notebooks import no onnxruntime."""
    folders = ("identity", "recommender", "plumbing", "screens", "desk", "data", "bench", "scripts", "tests")
    files = [ROOT / "app.py", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    texts = {path: text for path in files if any(name in (text := path.read_text()) for name in ONLY_THERE)}
    importing = {
        str(path.relative_to(ROOT))
        for path, text in texts.items()
        if imports_of(ast.parse(text)) & set(ONLY_THERE)
    }
    cells = [
        "".join(cell["source"])
        for notebook in (ROOT / "notebooks").glob("*.ipynb")
        for cell in json.loads(notebook.read_text())["cells"]
    ]

    assert importing == {"plumbing/serving/silence.py"}
    assert not [cell for cell in cells if "onnxruntime" in cell]
