"""OpenCV with one thread. This half imports it from here: `from identity.frames.opencv import cv2`.

OpenCV's thread pool waits for work in a busy loop. With as many pictures at once as there are processors, that
took a fifth of the processor time of a loaded server and made nothing faster.

It is loaded when it is first used: a server whose devices all send vectors never looks at a picture.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

__all__ = ["cv2"]

if TYPE_CHECKING:
    import cv2
else:

    class _WhenUsed(ModuleType):
        """Stands in for the module, and becomes like it."""

        def __getattr__(self, name: str) -> object:
            import cv2 as loaded

            loaded.setNumThreads(1)
            self.__dict__.update(vars(loaded))
            return getattr(loaded, name)

    cv2 = _WhenUsed("cv2")
