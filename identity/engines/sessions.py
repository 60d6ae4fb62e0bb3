"""onnxruntime sessions: one thread each, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plumbing.serving.silence import import_onnxruntime

if TYPE_CHECKING:
    import onnxruntime


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """A CPU session of the network at `path`.

    One thread: requests run in parallel, and two threads for one small network compete for the same core. The
    arena reserves the memory of the largest picture, whose size is bounded by the manifest: without it a process
    used 47 to 88 MB, depending on the order of deallocations, with it 53. A plan of the memory for each shape of
    input (`enable_mem_pattern`) cost 8 MB and made nothing faster.
    """
    library = import_onnxruntime()  # .2 s: not for `usual --help`
    options = library.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    session: onnxruntime.InferenceSession = library.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    return session
