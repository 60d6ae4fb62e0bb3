"""Opens an engine pack: pinned files that turn pixels into faces and a face into a vector.

An engine opens no file, socket or database after it was built.
"""

from __future__ import annotations

from pathlib import Path

from identity.engines.manifests import checked_files, load_pack
from identity.engines.protocol import FaceEngine


def open_pack(name: str, models_folder: Path | None, cache: Path) -> FaceEngine:
    """The engine of pack `name`. Every file is checked against its pinned sha256 first.

    `models_folder` (USUAL_MODELS) holds the files of a pack that an operator supplies (`source: folder`); `cache`
    holds the files of `usual models fetch` and the converted dlib network. Raises UnknownPack, PackMissing,
    PackAltered, PackDenied.
    """
    pack = load_pack(name)
    files = checked_files(pack, models_folder, cache)
    if pack.engine == "dlib":
        from identity.engines.dlib_engine import DlibEngine

        return DlibEngine(pack, files, cache)
    from identity.engines.onnx_engine import OnnxEngine

    return OnnxEngine(pack, files)
