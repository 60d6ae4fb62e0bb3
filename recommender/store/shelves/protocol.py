"""What `VersionStore` asks of the place where versions lie. A folder and a bucket do the same in their own way."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from recommender.store.shelves.contents import Manifest

BeforeAdding = Callable[[str], None]
"""Called with the name of a new version, before anybody can see it."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What `current` says, and how it is known from every earlier and later `current`.

    `name` is None when it says nothing usable, `tag` where there is no `current`. One that was only written again,
    for others to look, has the same `move`.
    """

    name: str | None
    tag: Hashable
    move: str = ""


class Shelf(Protocol):
    """The versions of one scene of one tenant.

    Every method raises OSError when the place cannot be read or written; for a bucket it is `VersionsUnreachable`.
    """

    def exists(self) -> bool:
        """Whether anything was ever put here."""
        ...

    def names(self) -> list[str]:
        """All versions that are wholly there, or were and are broken now; oldest first."""
        ...

    def manifest(self, name: str) -> tuple[Manifest, Hashable]:
        """The manifest of a version, and the mark by which a change of it is known. Also raises ValueError."""
        ...

    def read(self, name: str, manifest: Manifest, file: str) -> bytes:
        """A file of a version."""
        ...

    def add(
        self, digest: str, manifest: Manifest, files: Mapping[str, bytes], before: BeforeAdding = lambda name: None
    ) -> str:
        """Put a version here under the next number; all of it or nothing. Returns its name."""
        ...

    def rewrite(
        self,
        name: str,
        known: tuple[Manifest, Hashable],
        held: str,
        content: bytes,
        digest: str,
        before: Callable[[str], None],
    ) -> None:
        """Put arrays of the sha256 `digest` in the place of those of `held`; a reader gets the old or the new.

        `before` is called with `digest` before they are in place. Nothing of the old ones stays. Also raises
        VersionChanged: somebody else rewrote the version since its manifest was `known`.
        """
        ...

    def settle(self, name: str, known: tuple[Manifest, Hashable], held: str) -> None:
        """End what a process that was killed began: the arrays of the sha256 `held` stay. Raises as `rewrite`."""
        ...

    def remove(self, name: str) -> None:
        """Delete a version for good."""
        ...

    def tidy(self) -> bool:
        """Delete what killed processes left; whether nothing is left that belongs to no version."""
        ...

    def pointer(self) -> Pointer:
        """What `current` says now."""
        ...

    def point_at(self, name: str | None, expected: Pointer) -> None:
        """Make a version current, or none, if `current` still is as `expected`.

        Raises:
            CurrentChanged: it is not; nothing was changed.
        """
        ...

    def stamp(self) -> Hashable:
        """What differs as soon as another version is current. Cheap: it is asked for with every request."""
        ...
