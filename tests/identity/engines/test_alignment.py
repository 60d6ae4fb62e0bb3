"""Alignment: landmarks are mapped to the points of a manifest."""

from __future__ import annotations

import cv2
import numpy as np

from identity.engines.alignment import align, similarity


def test_alignment_brings_landmarks_to_their_points() -> None:
    """A turned, shrunk and shifted set of points comes back exactly; a white dot on an eye lands on its place."""
    points = np.array([(40, 59), (87, 59), (64, 82), (45, 105), (84, 105)], np.float32)
    turn = np.radians(20)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    landmarks = (points @ spin.T * 3.5 + (400, 200)).astype(np.float32)
    matrix = similarity(landmarks, points)
    canvas = np.zeros((900, 900, 3), np.uint8)
    cv2.circle(canvas, tuple(round(v) for v in landmarks[0]), 8, (255, 255, 255), -1)
    crop = align(canvas, landmarks, points, 128)

    assert np.allclose(landmarks @ matrix[:, :2].T + matrix[:, 2], points, atol=1e-3)
    assert crop[59, 40].min() > 200
    assert not crop[59, 87].any()
