"""SQL of the galleries: templates, and the state that tells a cache to reload."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GalleryState:
    """Where a tenant's gallery stands: every change of it makes `generation` one larger."""

    generation: int
    size: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A sealed template and the slot of its key."""

    customer_id: str
    slot: int
    generation: int
    sealed: bytes
