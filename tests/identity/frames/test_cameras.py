"""Pictures as phones and cameras write them: understood, or refused by the name of what they are."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity import errors
from identity.frames.decode import FRAME, MOST_PIXELS, PHOTO, check, decode, shape_of, unpack
from plumbing.pictures.orientation import orientation_of, upright
from tests import pictures
from tests.conftest import ROOT
from tests.identity.frames.test_decode import canvas, encoded, picture, riff

FIXTURES = ROOT / "tests" / "fixtures" / "pictures"
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: np.rot90(p, 2),
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p),
}
"""EXIF's orientation -> how the stored picture must be turned to be looked at (CIPA DC-008, 4.6.5)."""


def box(kind: bytes, body: bytes = b"") -> bytes:
    """A box of a video."""
    return struct.pack(">I", 8 + len(body)) + kind + body


def notes(*bodies: bytes) -> bytes:
    """A block as Samsung's cameras write it: entries, and a list of them at the end."""
    length, entries = sum(map(len, bodies)), b""
    for n, body in enumerate(bodies):
        entries += struct.pack("<HHII", 0, n, length - sum(map(len, bodies[:n])), len(body))
    head = b"SEFH" + struct.pack("<II", 106, len(bodies)) + entries
    return b"".join(bodies) + head + struct.pack("<I", len(head)) + b"SEFT"


def with_exif(kind: str, turned: int) -> bytes:
    """A lossless picture, or nearly, with a camera's name and how it was held."""
    if kind != ".webp":
        return pictures.with_exif(encoded(kind), turned)
    chunk = encoded(".webp", None, cv2.IMWRITE_WEBP_QUALITY, 101)[20:]
    return riff((b"VP8X", canvas(8, 128, 96)), (b"VP8L", chunk), (b"EXIF", pictures.exif(turned)))


VIDEO = box(b"ftyp", b"mp42" + bytes(8)) + box(b"mdat", bytes(500)) + box(b"moov", bytes(90))
SECOND = encoded(".jpg", picture(64, 64))
BEHIND: dict[str, bytes] = {
    "zeros": bytes(777),
    "fill": b"\xff" * 63,
    "an end of line": b"\r\n",
    "a gain map": SECOND,
    "a gain map, filled up": bytes(300) + SECOND + bytes(64),
    "five pictures": SECOND * 5,
    "a grey gain map": encoded(".jpg", picture(80, 64)[:, :, 0]),
    "the video of a motion photo": VIDEO,
    "a gain map and a video": SECOND + VIDEO,
    "a video with a large box": box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(100),
    "a video whose last box is open": box(b"ftyp", b"isom") + struct.pack(">I4s", 0, b"mdat") + bytes(100),
    "Samsung's notes": notes(b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1700000000000"),
    "Samsung's motion photo": notes(b"\0\0\x30\x0aMotionPhoto_Data" + VIDEO, b"\0\0\1\x0aImage_UTC_Data17"),
    "a gain map and notes": SECOND + notes(b"note"),
}
FOREIGN: dict[str, bytes] = {
    "a zip": b"PK\x03\x04" + bytes(100),
    "zeros and a page": bytes(40) + b"<script>alert(1)</script>",
    "a gain map and a program": SECOND + b"\x7fELF" + bytes(50),
    "17 pictures and a page": SECOND * 17 + b"<html>",
    "a video and a zip": VIDEO + b"PK\x03\x04",
    "a video of unknown boxes": box(b"ftyp", b"isom") + box(b"evil"),
    "notes that do not reach the picture": b"PK\x03\x04" + notes(b"note"),
    "notes with a list of another length": notes(b"note")[:-8] + struct.pack("<I", 25) + b"SEFT",
    "the word of notes alone": b"SEFT",
}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("plain.jpg", (480, 640, 3)),
        ("exif6.jpg", (480, 640, 3)),
        ("trailing_zero_padding.jpg", (480, 640, 3)),
        ("gainmap_second_jpeg.jpg", (480, 640, 3)),
        ("alpha.webp", (480, 640, 3)),
        ("gray16.png", (360, 480, 3)),
    ],
)
def test_a_file_of_a_phone_or_camera_is_decoded_upright(name: str, shape: tuple[int, ...]) -> None:
    assert decode((FIXTURES / name).read_bytes()).pixels.shape == shape


def test_a_heic_picture_is_refused_by_its_name_with_what_to_do() -> None:
    with pytest.raises(errors.HeicImage, match=r"HEIC picture\. Set the camera to JPEG") as refused:
        decode((FIXTURES / "phone.heic").read_bytes())

    assert (refused.value.code, refused.value.status) == ("heic_image", 415)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("turned", TURNS)
def test_each_way_to_hold_a_camera_is_turned_upright(kind: str, turned: int) -> None:
    """All that reaches the decoder of the metadata is that number."""
    header = check(with_exif(kind, turned))
    stored = unpack(header._replace(turned=1)).pixels

    shown = unpack(header).pixels

    assert np.array_equal(shown, TURNS[turned](stored))
    assert shape_of(header) == shown.shape[:2]
    assert shown.flags.c_contiguous
    assert b"CAMERA-OF-ANN" not in header.stripped


@pytest.mark.parametrize(
    "exif", [b"", b"II", b"MM\0*\0\0\0\x08", b"II*\0\xff\xff\xff\xff", pictures.exif(9)], ids=str
)
def test_nonsense_about_the_camera_is_upright(exif: bytes) -> None:
    assert orientation_of(exif) == 1


def test_an_orientation_may_be_written_in_either_order_of_bytes() -> None:
    big = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)

    assert orientation_of(big) == orientation_of(pictures.exif(6)) == 6


@given(st.binary(max_size=64), st.sampled_from([b"II*\0", b"MM\0*"]))
@settings(max_examples=100, deadline=None)
def test_whatever_exif_says_the_orientation_is_1_to_8(body: bytes, order: bytes) -> None:
    assert 1 <= orientation_of(order + body) <= 8


@pytest.mark.parametrize("name", BEHIND)
def test_what_cameras_write_behind_a_picture_is_left_behind(name: str) -> None:
    plain = encoded(".jpg")

    assert check(plain + BEHIND[name]) == check(plain)


@pytest.mark.parametrize("kind", [".png", ".webp"])
def test_padding_behind_other_formats_is_left_behind(kind: str) -> None:
    assert check(encoded(kind) + bytes(512)) == check(encoded(kind))


@pytest.mark.parametrize("name", FOREIGN)
def test_anything_else_behind_a_picture_is_refused(name: str) -> None:
    with pytest.raises(errors.SuspiciousImage, match="Something other"):
        check(encoded(".jpg") + FOREIGN[name])


@pytest.mark.parametrize("torso", [SECOND[:300], VIDEO[:-5], SECOND + SECOND[:-2]])
def test_a_file_that_was_cut_in_what_stands_behind_the_picture_ends_too_early(torso: bytes) -> None:
    with pytest.raises(errors.TruncatedImage):
        check(encoded(".jpg") + torso)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (box(b"ftyp", b"mif1\0\0\0\0mif1heic"), "HEIC"),
        (box(b"ftyp", b"heix\0\0\0\0mif1"), "HEIC"),
        (box(b"ftyp", b"avif\0\0\0\0mif1"), "AVIF"),
        (box(b"ftyp", b"mif1\0\0\0\0mif1avif"), "AVIF"),
        (box(b"ftyp", b"qt  \0\0\0\0qt  "), "a video"),
        (box(b"ftyp", b"crx \0\0\0\1crx isom"), "raw file"),
        (b"GIF89a" + bytes(30), "GIF"),
        (b"II*\0" + bytes(30), "TIFF picture or a camera's raw file"),
        (b"\xff\x0a" + bytes(30), "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
        (b"BM" + bytes(30), "BMP"),
        (b"RIFF\0\0\0\0AVI ", "a video"),
        (b"", "empty"),
        (b"\0\0\0\x05abcd", "not a JPEG, PNG or WebP"),
    ],
)
def test_other_formats_are_named(data: bytes, name: str) -> None:
    with pytest.raises(errors.NotAnImage, match=name) as refused:
        check(data)

    assert refused.value.code == ("heic_image" if name == "HEIC" else "not_an_image")


def large_jpeg() -> bytes:
    """12 million pixels, as phones have."""
    return pictures.with_exif(encoded(".jpg", cv2.resize(picture(), (4_000, 3_000))), 6)


def test_a_phones_12_million_pixels_are_too_many_for_a_device_and_fine_in_a_folder() -> None:
    data = large_jpeg()
    with pytest.raises(errors.TooManyPixels, match=r"4000 x 3000 pixels; at most 4200000 .* Send it smaller"):
        check(data, FRAME)

    header = check(data, PHOTO)
    rows, columns = shape_of(header)

    assert rows * columns <= MOST_PIXELS
    assert rows / columns == pytest.approx(4 / 3, rel=0.01)
    assert unpack(header).pixels.shape == (rows, columns, 3)


SOURCES: dict[str, Callable[[], bytes]] = {
    "turned": lambda: with_exif(".jpg", 6),
    "turned png": lambda: with_exif(".png", 3),
    "turned webp": lambda: with_exif(".webp", 8),
    "gain map": lambda: SECOND + SECOND,
    "motion photo": lambda: SECOND + VIDEO,
    "notes": lambda: SECOND + notes(b"one", b"two"),
}


@given(name=st.sampled_from(sorted(SOURCES)), data=st.data())
@settings(max_examples=120, deadline=None)
def test_a_damaged_camera_file_is_pixels_or_a_named_error(name: str, data: st.DataObject) -> None:
    """A frame as large as its header says, or a FrameError, no other exception."""
    whole = bytearray(SOURCES[name]())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[at] = data.draw(st.integers(0, 255))
        else:
            del whole[at : at + data.draw(st.integers(1, min(60, len(whole) - 1)))]
    with contextlib.suppress(errors.FrameError):
        header = check(bytes(whole))
        assert unpack(header).pixels.shape[:2] == shape_of(header)


def test_turning_keeps_every_pixel() -> None:
    for turned, turn in TURNS.items():
        assert np.array_equal(upright(picture(), turned), turn(picture()))
