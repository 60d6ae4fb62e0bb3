"""Puts the browsers' engine into the home: runtime and networks, and a description with their hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from doorway.browser_engine.runtime import Runtime, fetch_runtime
from identity.engines.fetch import Progress
from identity.engines.manifests import Pack, checked_files, masked_pack
from identity.engines.onnx_half import halve_weights
from identity.errors import ManifestUnfit
from screens.engine import EngineFolder


def check_pack(pack: Pack) -> None:
    """Raises ManifestUnfit when the browser's engine cannot do what the pack needs."""
    wanted = {"colour": "BGR", "scale": "0..255"}
    given = {name: pack.input.get(name) for name in wanted}
    if pack.engine != "onnx" or given != wanted or "detector_width" not in pack.input:
        raise ManifestUnfit(
            f"The engine pack {pack.name!r} runs at the server alone. One that browsers can run: open-model-zoo."
        )


def prepare(
    pack: Pack,
    models: Path | None,
    cache: Path,
    folder: EngineFolder,
    registry: str,
    progress: Progress,
) -> None:
    """Fetch and convert everything into `folder`; what lies there as it should be is not fetched again.

    Raises ManifestUnfit, PackMissing, PackAltered, FetchFailed; then the folder is as it was.
    """
    check_pack(pack)
    networks = _networks(pack, models, cache)
    runtime = Runtime.read()
    kept = {role: folder.content(file.sha256) for role, file in runtime.files.items()}
    found = {role: content for role, content in kept.items() if content is not None}
    if len(found) < len(kept):
        folder.path.mkdir(parents=True, exist_ok=True)
        found = fetch_runtime(runtime, folder.path, registry, progress)
    contents = {role: (runtime.files[role].ending, content) for role, content in found.items()}
    contents |= {role: (".onnx", network) for role, network in networks.items()}
    folder.write(
        pack=pack.id,
        masks=masked_pack(pack) is not None,
        runtime=f"{runtime.package} {runtime.version}",
        input={name: pack.input[name] for name in ("side", "detector_width", "alignment")},
        contents=contents,
        progress=progress,
    )


def differing(pack: Pack, models: Path | None, cache: Path, folder: EngineFolder) -> list[str]:
    """What in `folder` is not what the manifests of `pack` and runtime ask for, as roles; empty when all is.

    Raises ManifestUnfit, PackMissing, PackAltered.
    """
    check_pack(pack)
    wanted = {role: file.sha256 for role, file in Runtime.read().files.items()}
    for role, network in _networks(pack, models, cache).items():
        wanted[role] = hashlib.sha256(network).hexdigest()
    return [role for role, digest in wanted.items() if folder.digest_of(role) != digest]


def _networks(pack: Pack, models: Path | None, cache: Path) -> dict[str, bytes]:
    """Role -> network as a browser gets it."""
    return {role: halve_weights(path.read_bytes()) for role, path in checked_files(pack, models, cache).items()}
