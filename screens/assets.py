"""The files of the pages under addresses that name their release: a browser keeps them for good.

The release is a hash of all files. Modules import one another by relative addresses, so all files of a page are of
one release, also while another one is being brought in.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

COMPRESSED = frozenset({".js", ".css", ".svg", ".ftl", ".json", ".html"})
"""What becomes smaller; pictures and fonts are compressed already. No file holds a secret."""

FOR_GOOD = "public, max-age=31536000, immutable"
CHECKED = "no-cache"

_IMPORT = re.compile(r"""(?:from|^import)\s+"(\.{1,2}/[\w./-]+)";""", re.MULTILINE)
TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".ftl": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Assets:
    """The static files below a folder. `names` are relative, with slashes, sorted."""

    folder: Path
    names: tuple[str, ...]
    release: str

    def modules_of(self, entry: str) -> list[str]:
        """The modules that a page's module imports, itself not among them, nearest first; not those that it loads
        later."""
        found: dict[str, None] = {}
        waiting = [entry]
        while waiting:
            name = waiting.pop(0)
            for imported in _imports(self.folder / name):
                path = (self.folder / name).parent.joinpath(imported).resolve()
                other = path.relative_to(self.folder.resolve()).as_posix()
                if other not in found and other != entry:
                    found[other] = None
                    waiting.append(other)
        return list(found)

    def has(self, name: str) -> bool:
        """Whether a name from an address is one of the files."""
        return name in self.names

    def content(self, name: str) -> bytes:
        """The bytes of a file."""
        return (self.folder / name).read_bytes()


@cache
def assets_of(folder: Path) -> Assets:
    """Look at the files of a folder, once in a process."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = tuple(path.relative_to(folder).as_posix() for path in paths)
    digest = hashlib.sha256()
    for name, path in zip(names, paths, strict=True):
        digest.update(f"{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return Assets(folder, names, digest.hexdigest()[:16])


def can_be_zipped(name: str) -> bool:
    """Whether a file becomes smaller."""
    return Path(name).suffix in COMPRESSED


def type_of(name: str) -> str:
    """The media type of a file."""
    return TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


@lru_cache(maxsize=1024)
def smaller_of(content: bytes) -> bytes:
    """The same, compressed with gzip."""
    return gzip.compress(content, 9, mtime=0)


def _imports(path: Path) -> list[str]:
    return _IMPORT.findall(path.read_text("utf-8")) if path.suffix == ".js" else []
