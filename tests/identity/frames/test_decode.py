"""Which pictures are looked at, and which are not even unpacked."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity import errors
from identity.frames.decode import check, decode
from identity.frames.inflation import unpacked_bytes
from identity.frames.png import PNG_DEPTHS


def picture(height: int = 96, width: int = 128) -> np.ndarray:
    """Smooth colours, so that lossy formats come near."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=2).astype(
        np.uint8
    )


def encoded(kind: str, pixels: np.ndarray | None = None, *options: int) -> bytes:
    done, data = cv2.imencode(kind, picture() if pixels is None else pixels, list(options))
    assert done
    return data.tobytes()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, rows: int, *extra: bytes) -> bytes:
    """A black RGB PNG of width x height by its header and `rows` rows by its data; made in little memory."""
    packer = zlib.compressobj(6)
    data = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(rows)) + packer.flush()
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def packed_png(data: bytes, depth: int = 8) -> bytes:
    """A PNG of 64 x 64 pixels with these packed data."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, depth, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def resized_jpeg(width: int, height: int) -> bytes:
    data = encoded(".jpg")
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def many_scans(side: int = 0, scans: int = 200) -> bytes:
    """A progressive JPEG whose last scan is repeated; empty of detail when it has a `side`."""
    pixels = np.zeros((side, side, 3), np.uint8) if side else picture()
    data = encoded(".jpg", pixels, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * scans + b"\xff\xd9"


def webp_chunk() -> bytes:
    return encoded(".webp", None, cv2.IMWRITE_WEBP_QUALITY, 80)[20:]


def large_webp() -> bytes:
    body = bytearray(webp_chunk())
    body[6:10] = struct.pack("<HH", 16383, 16383)
    return riff((b"VP8 ", bytes(body)))


def canvas(flags: int, width: int, height: int) -> bytes:
    return bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def second_frame_header() -> bytes:
    data = encoded(".jpg")
    at = data.index(b"\xff\xc0")
    end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
    return data[:end] + data[at:end] + data[end:]


# name -> (the file, the code it is refused with)
CORPUS: dict[str, tuple[Callable[[], bytes], str]] = {
    "png bomb 13000 x 13000": (lambda: png_of(13_000, 13_000, 13_000), "too_many_pixels"),
    "jpeg bomb 65500 x 65500": (lambda: resized_jpeg(65_500, 65_500), "too_many_pixels"),
    "webp bomb 16383 x 16383": (large_webp, "too_many_pixels"),
    "jpeg with 200 scans": (many_scans, "suspicious_image"),
    "jpeg in jpeg": (second_frame_header, "suspicious_image"),
    "jpeg and zip": (lambda: encoded(".jpg") + b"PK\x03\x04" + bytes(100), "suspicious_image"),
    "png and page": (lambda: encoded(".png") + b"<script>alert(1)</script>", "suspicious_image"),
    "webp and program": (lambda: encoded(".webp") + b"\x7fELF" + bytes(50), "suspicious_image"),
    "webp of two sizes": (
        lambda: riff((b"VP8X", canvas(0, 900, 900)), (b"VP8 ", webp_chunk())),
        "suspicious_image",
    ),
    "two webp in one": (lambda: riff((b"VP8 ", webp_chunk()), (b"VP8 ", webp_chunk())), "suspicious_image"),
    "png of 5000 parts": (
        lambda: png_of(64, 64, 64, *[png_chunk(b"tEXt", b"a\0b")] * 5000),
        "suspicious_image",
    ),
    "png that unpacks to 300 times its pixels": (lambda: png_of(64, 64, 20_000), "suspicious_image"),
    "png with one row too many": (lambda: png_of(64, 64, 65), "suspicious_image"),
    "png with one row too few": (lambda: png_of(64, 64, 63), "truncated_image"),
    "png whose data end and go on": (
        lambda: packed_png(zlib.compress(bytes(64 * 193)) + b"more"),
        "suspicious_image",
    ),
    "png whose data are none": (lambda: packed_png(b"not packed at all"), "not_an_image"),
    "png whose data never end": (lambda: packed_png(zlib.compress(bytes(64 * 193))[:-5]), "truncated_image"),
    "png of 3 bits": (lambda: packed_png(zlib.compress(bytes(64 * 193)), depth=3), "not_an_image"),
    "jpeg of 400,000 empty parts": (lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 400_000, "suspicious_image"),
    "jpeg of fill bytes": (lambda: b"\xff\xd8" + b"\xff" * 1_900_000, "truncated_image"),
    "jpeg whose scans pass over 92 million pixels": (lambda: many_scans(2_048, 22), "suspicious_image"),
    "animated png": (lambda: png_of(64, 64, 64, png_chunk(b"acTL", bytes(8))), "animated_image"),
    "animated webp": (lambda: riff((b"VP8X", canvas(2, 128, 96)), (b"VP8 ", webp_chunk())), "animated_image"),
    "gif": (lambda: b"GIF89a" + bytes(200), "not_an_image"),
    "tiff": (lambda: encoded(".tiff"), "not_an_image"),
    "bmp": (lambda: encoded(".bmp"), "not_an_image"),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not_an_image"),
    "nothing": (lambda: b"", "not_an_image"),
    "png with a wrong checksum": (
        lambda: encoded(".png")[:60] + b"\0\1\2\3" + encoded(".png")[64:],
        "not_an_image",
    ),
    "half a jpeg": (lambda: encoded(".jpg")[:1000], "truncated_image"),
    "half a png": (lambda: encoded(".png")[:400], "truncated_image"),
    "half a webp": (lambda: encoded(".webp")[:-40], "truncated_image"),
    "png without pixels": (lambda: png_of(64, 64, 64)[:33] + png_chunk(b"IEND", b""), "truncated_image"),
    "3 MB": (lambda: encoded(".jpg") + bytes(3_000_000), "frame_too_large"),
    "63 x 63": (lambda: encoded(".png", picture(63, 63)), "too_few_pixels"),
    "a line": (lambda: encoded(".png", picture(64, 640)), "too_few_pixels"),
}


@pytest.fixture(scope="module")
def corpus() -> dict[str, bytes]:
    return {name: make() for name, (make, _) in CORPUS.items()}


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_is_refused_with_its_code(corpus: dict[str, bytes], name: str) -> None:
    """Each bomb, polyglot, animation and torso gets its own stable code."""
    with pytest.raises(errors.FrameError) as refused:
        decode(corpus[name])

    assert refused.value.code == CORPUS[name][1]
    assert 400 <= refused.value.status < 500


def test_refusing_costs_little_memory(corpus: dict[str, bytes], tmp_path: Path) -> None:
    """A fresh process that refuses the whole corpus grows by less than 64 MB."""
    (tmp_path / "drawn").mkdir()
    for number, data in enumerate(corpus.values()):
        (tmp_path / "drawn" / f"{number}.bin").write_bytes(data)
    script = r"""
import json, pathlib, re, sys
from identity.errors import FrameError
from identity.frames.decode import decode
files = sorted(pathlib.Path(sys.argv[1]).glob("*.bin"))
# Not ru_maxrss: that one survives exec and would report the peak of the parent process.
status = pathlib.Path("/proc/self/status")
peak = lambda: int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) // 1024
before, refused = peak(), 0
for path in files:
    try:
        decode(path.read_bytes())
    except FrameError:
        refused += 1
print(json.dumps([refused, peak() - before]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "drawn")], capture_output=True, check=True, text=True
    )
    refused, grown = json.loads(done.stdout)

    assert refused == len(CORPUS)
    assert grown < 64


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_an_ordinary_picture_is_decoded(kind: str) -> None:
    """JPEG, PNG and WebP give the pixels that went in, near enough for their format."""
    pixels = decode(encoded(kind)).pixels

    assert pixels.shape == (96, 128, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int)[:, :120] - picture()[:, :120]).mean() < (1 if kind == ".png" else 8)


@pytest.mark.parametrize("options", [(cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)])
def test_progressive_and_restarting_jpegs_are_ordinary(options: tuple[int, int]) -> None:
    """Several scans and restart markers do not look like an attack."""
    assert decode(encoded(".jpg", None, *options)).pixels.shape == (96, 128, 3)


def test_grey_and_transparent_pictures_become_three_colours() -> None:
    """Whatever the file holds, three channels go on."""
    grey = encoded(".png", picture()[:, :, 0])
    clear = encoded(".png", np.dstack([picture(), np.full((96, 128), 9, np.uint8)]))

    assert decode(grey).pixels.shape == decode(clear).pixels.shape == (96, 128, 3)


def test_metadata_never_reach_the_decoder() -> None:
    """A text that unpacks to 200 MB and a thumbnail inside are left behind; the picture itself is fine."""
    bomb = png_chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(200_000_000), 9))
    jpeg = encoded(".jpg")
    thumbnail = b"Exif\0\0" + encoded(".jpg", picture(64, 64))
    with_thumbnail = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + jpeg[2:]

    assert not decode(png_of(64, 64, 64, bomb)).pixels.any()
    assert np.array_equal(decode(with_thumbnail).pixels, decode(jpeg).pixels)


@given(kind=st.sampled_from([".jpg", ".png", ".webp"]), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_pixels_or_a_named_error(kind: str, data: st.DataObject) -> None:
    """Whatever bytes are changed, cut or put in: a frame or a FrameError, no other exception."""
    whole = bytearray(encoded(kind, picture(64, 64)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        action = data.draw(st.sampled_from(["set", "cut", "insert"]))
        if action == "set":
            whole[at] = data.draw(st.integers(0, 255))
        elif action == "cut":
            del whole[at : at + data.draw(st.integers(1, 40))]
        else:
            whole[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        if not whole:
            break
    with contextlib.suppress(errors.FrameError):
        assert decode(bytes(whole)).pixels.ndim == 3


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("kind", "depth"), [(k, d) for k, depths in PNG_DEPTHS.items() for d in depths])
def test_every_kind_of_png_is_unpacked_to_its_last_byte(kind: int, depth: int, interlaced: int) -> None:
    """Grey, colours, palettes, alpha, 1 to 16 bits, in seven passes or one, with sides that fit no pass."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 67, 71, depth, kind, 0, 0, interlaced))
    start = b"\x89PNG\r\n\x1a\n" + header + (png_chunk(b"PLTE", bytes(6)) if kind == 3 else b"")
    count = unpacked_bytes(start)

    def file(octets: int) -> bytes:
        return start + png_chunk(b"IDAT", zlib.compress(bytes(octets))) + png_chunk(b"IEND", b"")

    assert decode(file(count)).pixels.shape == (71, 67, 3)
    with pytest.raises(errors.TruncatedImage):
        decode(file(count - 1))
    with pytest.raises(errors.SuspiciousImage):
        decode(file(count + 1))


def test_what_the_server_looks_at_costs_it_milliseconds(corpus: dict[str, bytes]) -> None:
    """The server checks the structure of a file; whatever is in it, that takes less than a picture's decoding."""
    for name, data in corpus.items():
        began = time.thread_time()
        with contextlib.suppress(errors.FrameError):
            check(data)
        assert time.thread_time() - began < 0.1, name
