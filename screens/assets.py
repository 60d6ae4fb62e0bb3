"""The files of the pages under addresses that name their release: a browser keeps them for good.

The release is a hash of all files. Modules import one another by relative addresses, so all files of a page are of
one release, also while another one is being brought in. The modules of a page are joined into one file
(screens/joined.py); each can be had by itself, too.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from screens import joined

COMPRESSED = frozenset({".js", ".css", ".svg", ".ftl", ".json", ".html"})
"""What becomes smaller; pictures and fonts are compressed already. No file holds a secret."""

FOR_GOOD = "public, max-age=31536000, immutable"
CHECKED = "no-cache"

TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".ftl": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Assets:
    """The static files below a folder. `names` are relative, with slashes, sorted; `joined` are the files that are
    made of the modules of a page, by name."""

    folder: Path
    names: tuple[str, ...]
    joined: Mapping[str, bytes]
    release: str

    def first_module(self, entry: str) -> str:
        """What a page has as its script: its modules joined, or its own one."""
        name = joined.name_of(entry)
        return name if name in self.joined else entry

    def modules_of(self, entry: str) -> list[str]:
        """The modules that a page's script imports, itself not among them; not those that it loads later."""
        if self.first_module(entry) != entry:
            return joined.apart(self.folder, entry)
        return joined.needed(self.folder, entry)[:-1]

    @property
    def to_keep(self) -> list[str]:
        """What a screen needs without a line: every file, but for modules that it has in a joined one."""
        inside: set[str] = set()
        for entry in joined.PAGES:
            if joined.name_of(entry) in self.joined:
                inside |= {*joined.needed(self.folder, entry)} - {*joined.apart(self.folder, entry)}
        return sorted({*self.names, *self.joined} - inside)

    def has(self, name: str) -> bool:
        """Whether a name from an address is one of the files."""
        return name in self.joined or (name in self.names and (self.folder / name).is_file())

    def content(self, name: str) -> bytes:
        """The bytes of a file."""
        return self.joined[name] if name in self.joined else (self.folder / name).read_bytes()


@cache
def assets_of(folder: Path) -> Assets:
    """Look at the files of a folder, once in a process."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = tuple(path.relative_to(folder).as_posix() for path in paths)
    digest = hashlib.sha256()
    for name, path in zip(names, paths, strict=True):
        digest.update(f"{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    made = {joined.name_of(page): joined.joined(folder, page).encode() for page in joined.PAGES if page in names}
    for content in made.values():
        digest.update(content)
    return Assets(folder, names, made, digest.hexdigest()[:16])


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
