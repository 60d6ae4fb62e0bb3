"""What a face engine is: a pack of pinned files that turns pixels into faces and a face into a vector.

An engine sees pixels and returns numbers; it opens no file, socket or database after it was built.
"""

from __future__ import annotations

from pathlib import Path

from identity.engines.manifests import load_pack, located
from identity.engines.protocol import FaceEngine


def open_pack(name: str, models_folder: Path | None, cache: Path) -> FaceEngine:
    """The engine of pack `name`, every file checked against its pinned sha256 first.

    `models_folder` (USUAL_MODELS) holds the files of `open-model-zoo`; `cache` is where `usual models fetch` puts
    files and where the converted dlib network is kept. Raises UnknownPack, PackMissing, PackAltered, PackDenied.
    """
    pack = load_pack(name)
    files = located(pack, models_folder, cache)
    if pack.engine == "dlib":
        from identity.engines.dlib_engine import DlibEngine

        return DlibEngine(pack, files, cache)
    from identity.engines.onnx_engine import OnnxEngine

    return OnnxEngine(pack, files)
