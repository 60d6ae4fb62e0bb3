"""Drawn people: the same seeds give the same pixels, and both detectors take them for people."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest

from data.faces import people

PEOPLE, FRAMES = 24, 4


@pytest.fixture(scope="module")
def detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


@pytest.fixture(scope="module")
def five_points() -> dlib.shape_predictor:
    package = find_spec("face_recognition_models")
    assert package is not None
    assert package.origin is not None
    return dlib.shape_predictor(
        str(Path(package.origin).parent / "models" / "shape_predictor_5_face_landmarks.dat")
    )


def boxes(detector: dlib.fhog_object_detector, frame: np.ndarray) -> list[dlib.rectangle]:
    h, w = frame.shape[:2]
    half = cv2.resize(frame, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    return list(detector(np.ascontiguousarray(half[..., ::-1]), 0))


def test_the_same_seeds_give_the_same_pixels() -> None:
    """A person and a moment are two numbers."""
    again = people.draw_face(3, 5)

    assert np.array_equal(people.draw_face(3, 5), again)
    assert again.shape == (480, 640, 3)
    assert again.dtype == np.uint8


def test_another_moment_moves_the_picture_and_another_person_changes_it_more() -> None:
    """Frames of one person differ a little, two people differ a lot."""
    base = people.draw_face(3, 0).astype(float)
    moment = np.abs(base - people.draw_face(3, 1)).mean()
    person = np.abs(base - people.draw_face(4, 0)).mean()

    assert 0 < moment < person


def test_the_frontal_detector_finds_the_drawn_people(
    detector: dlib.fhog_object_detector, five_points: dlib.shape_predictor
) -> None:
    """At least 94 of 96 frames show exactly one face to dlib's HOG, eyes 60 px apart or more."""
    found = 0
    for person in range(PEOPLE):
        for moment in range(FRAMES):
            frame = people.draw_face(person, moment)
            seen = boxes(detector, frame)
            found += len(seen) == 1
            for box in seen:
                whole = dlib.rectangle(2 * box.left(), 2 * box.top(), 2 * box.right(), 2 * box.bottom())
                shape = five_points(np.ascontiguousarray(frame[..., ::-1]), whole)
                at = np.array([[shape.part(i).x, shape.part(i).y] for i in range(4)], float)
                assert np.linalg.norm((at[0] + at[1]) / 2 - (at[2] + at[3]) / 2) >= 60
                middle = at.mean(axis=0) / (640, 480)
                assert np.all((middle > 0.2) & (middle < 0.8))

    assert found >= 94


@pytest.mark.shared
def test_yunet_finds_the_drawn_people(shared: Path) -> None:
    """YuNet finds exactly one face in at least 94 of 96 frames."""
    model = shared / "models" / "face_detection_yunet_2023mar.onnx"
    yunet = cv2.FaceDetectorYN.create(str(model), "", (640, 480), 0.7)

    found = 0
    for person in range(PEOPLE):
        for moment in range(FRAMES):
            _, faces = yunet.detect(people.draw_face(person, moment))
            found += faces is not None and len(faces) == 1
    assert found >= 94


def test_two_equal_people_are_two_faces_of_one_size(detector: dlib.fhog_object_detector) -> None:
    """8 of 8 pairs are two faces; the detector's coarse steps of size may see two sizes in one pair."""
    pairs = [[b.area() for b in boxes(detector, people.two_people(2 * i, 2 * i + 1))] for i in range(8)]

    assert all(len(pair) == 2 for pair in pairs)
    assert sum(max(pair) < 1.5 * min(pair) for pair in pairs) >= 7


@pytest.mark.parametrize("seed", range(4))
def test_pictures_for_bad_input_show_what_they_say(detector: dlib.fhog_object_detector, seed: int) -> None:
    """An empty room holds no face, and a blur has no edges left."""
    assert boxes(detector, people.empty_room(seed)) == []
    sharp, soft = (
        cv2.Laplacian(f, cv2.CV_64F).var() for f in (people.draw_face(seed, 0), people.blurred_face(seed))
    )
    assert soft < 0.05 * sharp


def test_a_bystander_is_a_small_second_face(detector: dlib.fhog_object_detector) -> None:
    """The person in front is more than 1.5 times as large as the one behind."""
    areas = sorted(b.area() for b in boxes(detector, people.two_people(1, 2, equal=False)))

    assert areas
    assert len(areas) == 1 or areas[1] > 1.5 * areas[0]


def test_a_tiny_face_is_smaller_than_the_capture_rule(detector: dlib.fhog_object_detector) -> None:
    """Somebody far away is one face of about a third of the kiosk's size: eyes less than 60 px apart."""
    (near,) = detector(people.draw_face(5, 0), 0)
    (far,) = detector(people.tiny(5), 1)

    assert far.width() < 0.45 * near.width()


def test_jpeg_survives_the_way_to_the_server() -> None:
    """What is decoded is what was drawn, but for the losses of JPEG."""
    frame = people.draw_face(6, 0)
    back = cv2.imdecode(np.frombuffer(people.jpeg(frame), np.uint8), cv2.IMREAD_COLOR)

    assert back is not None
    assert np.abs(back.astype(int) - frame.astype(int)).mean() < 4


def test_the_fake_camera_gets_whole_frames(tmp_path: Path) -> None:
    """A y4m file holds its header and each frame at 1.5 bytes a pixel; an mjpeg file a chain of JPEGs."""
    frames = [people.draw_face(7, i, (320, 240)) for i in range(3)]
    people.write_y4m(tmp_path / "a.y4m", frames, fps=5)
    people.write_mjpeg(tmp_path / "a.mjpeg", frames)

    raw = (tmp_path / "a.y4m").read_bytes()
    header, _, body = raw.partition(b"\n")
    assert header.startswith(b"YUV4MPEG2 W320 H240 F5:1")
    assert len(body) == 3 * (len(b"FRAME\n") + 320 * 240 * 3 // 2)
    assert (tmp_path / "a.mjpeg").read_bytes().count(b"\xff\xd8\xff") == 3
