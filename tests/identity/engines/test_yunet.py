"""Where the landmarks of a face come from, with a scripted network."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from identity.engines.protocol import Face
from identity.engines.yunet import REFINE_SIDE, STRIDES, Floats, Yunet, non_max_suppression
from identity.frames.resize import shrink, warp_square

FACE = Face((300, 200, 100, 120), np.arange(10, dtype=np.float32).reshape(5, 2), 0.9)
PIXELS = np.zeros((480, 640, 3), np.uint8)
SCALE = REFINE_SIDE / 240  # the face is 120 high: half as wide as the square
POINTS = np.array([(330, 240), (370, 240), (350, 265), (335, 290), (365, 290)], float)


class ScriptedNetwork:
    """Cells of stride 16: (row, column) -> score, box in the picture (x, y, w, h), points in the picture."""

    def __init__(self, cells: Mapping[tuple[int, int], tuple[float, Floats, Floats]]) -> None:
        self.cells = cells
        self.seen: Floats = np.zeros(0)

    def run(self, output_names: list[str] | None, input_feed: dict[str, Floats]) -> list[Floats]:
        self.seen = input_feed["input"]
        _, _, height, width = self.seen.shape
        answer = {
            (kind, stride): np.zeros((1, (height // stride) * (width // stride), size), np.float32)
            for kind, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
            for stride in STRIDES
        }
        for (row, column), (score, box, points) in self.cells.items():
            cell, corner = row * (width // 16) + column, np.array([column, row])
            centre = (inside(box[:2] + box[2:] / 2) / 16) - corner
            answer["cls", 16][0, cell] = answer["obj", 16][0, cell] = score
            answer["bbox", 16][0, cell] = [*centre, *np.log(box[2:] * SCALE / 16)]
            answer["kps", 16][0, cell] = (inside(points) / 16 - corner).ravel()
        return list(answer.values())


def inside(points: Floats) -> Floats:
    """Points of the picture as they lie in the square around FACE."""
    return (points - (350, 260)) * SCALE + REFINE_SIDE / 2


def test_landmarks_are_the_mean_over_the_cells_of_the_face() -> None:
    """Two cells, weighted by their scores; a cell on another face and one with a low score do not count."""
    box = np.array(FACE.box, float)
    network = ScriptedNetwork(
        {
            (9, 9): (0.9, box, POINTS + 3),
            (10, 10): (0.8, box + np.array([4, 4, 0, 0]), POINTS - 3),
            (3, 3): (0.95, box - np.array([90, 90, 0, 0]), POINTS + 500),
            (9, 10): (0.3, box, POINTS + 500),
        }
    )
    found = Yunet(network, {}).refined_landmarks(PIXELS, FACE)

    assert np.allclose(found, POINTS + 3 * (0.9 - 0.8) / (0.9 + 0.8), atol=1e-3)
    assert network.seen.shape == (1, 3, REFINE_SIDE, REFINE_SIDE)


def test_landmarks_are_unchanged_when_the_face_is_not_found_again() -> None:
    elsewhere = ScriptedNetwork({(3, 3): (0.95, np.array(FACE.box) - 90 * np.array([1, 1, 0, 0]), POINTS)})

    assert Yunet(elsewhere, {}).refined_landmarks(PIXELS, FACE) is FACE.landmarks
    assert Yunet(ScriptedNetwork({}), {}).refined_landmarks(PIXELS, FACE) is FACE.landmarks


def test_a_network_of_a_fixed_size_does_not_refine() -> None:
    network = ScriptedNetwork({(9, 9): (0.9, np.array(FACE.box, float), POINTS)})

    assert Yunet(network, {"detector_side": 640}).refined_landmarks(PIXELS, FACE) is FACE.landmarks
    assert not network.seen.size


def test_a_warped_square_shows_the_place_that_the_matrix_gives() -> None:
    """A smooth slope at scales of .9, .4 and .15: each pixel has the value of its place, within a grey level."""
    row, column = np.mgrid[:800, :1000]
    slope = np.repeat((column / 8 + row / 8)[..., None], 3, axis=2).astype(np.uint8)
    for scale in (0.9, 0.4, 0.15):
        matrix = np.array([[scale, 0, -300 * scale], [0, scale, -200 * scale]])
        place = np.mgrid[:64, :64][::-1] / scale + np.array([300, 200])[:, None, None]

        assert np.abs(warp_square(slope, matrix, 64)[..., 0] - place.sum(axis=0) / 8)[1:-1, 1:-1].max() < 1.2


def test_a_warp_gives_the_numbers_of_a_plain_warp() -> None:
    """It goes by four channels, which is faster, and changes no pixel."""
    picture = np.random.default_rng(4).integers(0, 256, (160, 210, 3), np.uint8)
    for scale, turn in ((0.8, 0.0), (0.97, 0.3), (1.7, -0.2)):
        across, down = scale * np.cos(turn), scale * np.sin(turn)
        matrix = np.array([[across, -down, 11.3], [down, across, -20.9]])

        assert np.array_equal(warp_square(picture, matrix, 128), cv2.warpAffine(picture, matrix, (128, 128)))


def test_shrinking_averages_pixels() -> None:
    """Stripes one pixel wide become grey, also in a warp to half the size."""
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255

    assert np.abs(shrink(stripes, 50, 50).astype(int) - 128).max() <= 1
    halved = warp_square(stripes, np.array([[0.5, 0, 0], [0, 0.5, 0]]), 64)

    assert np.abs(halved[1:, 1:].astype(int) - 128).max() <= 1


def test_overlapping_boxes_are_one_face() -> None:
    """The better of two boxes on one face stays; a box elsewhere is another face."""
    boxes = np.array([[10, 10, 50, 50], [12, 11, 50, 50], [200, 10, 50, 50]], np.float32)

    assert non_max_suppression(boxes, np.array([0.8, 0.9, 0.7])) == [1, 2]
