"""onnxruntime sessions: one thread each, the memory given back, nothing sent anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """A CPU session of the network at `path`.

    One thread: requests run side by side, and two threads for one small network only fight for the core. The arena
    keeps the memory of the largest picture, and manifests say how large these are at most: without it a process
    held 47 to 88 MB of its own, by the order in which the pieces came back, with it 53.
    """
    import onnxruntime  # 0.2 s to import: not for `usual --help`

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
