"""OpenCV with one thread. This half imports it from here: `from identity.frames.opencv import cv2`.

OpenCV's thread pool waits for work in a busy loop. With as many pictures at once as there are processors, that
took a fifth of the processor time of a loaded server and made nothing faster.
"""

from __future__ import annotations

import cv2

__all__ = ["cv2"]

cv2.setNumThreads(1)
