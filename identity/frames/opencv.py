"""OpenCV with one thread, for whoever in this half works on pixels: `from identity.frames.opencv import cv2`.

Its pool of threads waits for work by spinning. With as many pictures at once as there are processors, that took a
fifth of all processor time of a server under load and made nothing faster.
"""

from __future__ import annotations

import cv2

__all__ = ["cv2"]

cv2.setNumThreads(1)
