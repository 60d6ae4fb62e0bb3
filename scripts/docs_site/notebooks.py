"""The notebooks as pages, with the tables and plots that they make.

Executing all of them takes minutes. What one answers is kept in `.cache/notebooks` under a hash of the notebook
and of every file that it can import: it is executed again when one of them has changed, else never.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = tuple(sorted((ROOT / "notebooks").glob("*.ipynb")))
IMPORTED = ("identity", "recommender", "plumbing", "data")
LOCK = "locks/dev.txt"
VERSION = b"1"  # of what is kept
LIMIT_S = 600


def content_key(notebook: Path, root: Path) -> str:
    """A hash of everything that the outputs of a notebook follow from."""
    digest = hashlib.sha256(VERSION)
    files = [
        path for name in IMPORTED for path in (root / name).rglob("*") if path.suffix in (".py", ".json", ".toml")
    ]
    state = root / "data" / "state"
    for path in [notebook, root / LOCK, *sorted(path for path in files if not path.is_relative_to(state))]:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def read(path: Path) -> NotebookNode:
    """A notebook as nbformat reads it."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call, no-any-return]


def executed(notebook: Path, root: Path = ROOT) -> NotebookNode:
    """The notebook with its outputs: kept ones, or it is run from top to bottom in a kernel of its own.

    Raises nbclient's CellExecutionError: a cell failed.
    """
    kept = root / ".cache" / "notebooks" / f"{notebook.stem}-{content_key(notebook, root)}.ipynb"
    if kept.exists():
        return read(kept)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    found = read(notebook)
    client = NotebookClient(
        found, timeout=LIMIT_S, kernel_name="python3", resources={"metadata": {"path": str(root)}}
    )
    client.execute(env=environment)
    kept.parent.mkdir(parents=True, exist_ok=True)
    for old in kept.parent.glob(f"{notebook.stem}-*.ipynb"):
        old.unlink()
    draft = kept.with_suffix(".new")
    draft.write_text(nbformat.writes(found), encoding="utf-8")  # type: ignore[no-untyped-call]
    draft.replace(kept)
    return found


def page_of(notebook: Path, found: NotebookNode) -> dict[str, str | bytes]:
    """The page of an executed notebook, and its plots: path in the site -> content."""
    name = notebook.stem
    resources = {"output_files_dir": f"{name}_files", "unique_key": name}
    exporter = MarkdownExporter()  # type: ignore[no-untyped-call]
    text, more = exporter.from_notebook_node(found, resources=resources)
    made: dict[str, str | bytes] = {f"notebooks/{path}": content for path, content in more["outputs"].items()}
    made[f"notebooks/{name}.md"] = text.replace("![png](", "![what the cell above draws](")
    return made


def pages(root: Path = ROOT) -> dict[str, str | bytes]:
    """All of them."""
    return {path: content for one in NOTEBOOKS for path, content in page_of(one, executed(one, root)).items()}
