"""Formats that are not taken, told by their first bytes: whoever sends one reads which it is and what to do."""

from __future__ import annotations

from identity.errors import HeicImage, NotAnImage

HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
AVIF = {b"avif", b"avis"}
KINDS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture or a camera's raw file"),
    (b"MM\0*", "a TIFF picture or a camera's raw file"),
    (b"II+\0", "a TIFF picture or a camera's raw file"),
    (b"MM\0+", "a TIFF picture or a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"IIU\0", "a camera's raw file"),
    (b"FUJIFILM", "a camera's raw file"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF file"),
    (b"RIFF", "a video or a sound"),
    (b"\x1aE\xdf\xa3", "a video"),
)


def refusal_of(data: bytes) -> NotAnImage:
    """The error for a file that is neither JPEG, PNG nor WebP: HeicImage, or NotAnImage."""
    if not data:
        return NotAnImage("The file is empty; send it again.")
    brands = _brands(data)
    if brands:
        if brands & AVIF:
            return _named("an AVIF picture")
        if brands & HEIC or brands & {b"mif1", b"msf1"}:
            return HeicImage(
                "The file is a HEIC picture. Set the camera to JPEG (iPhone: Settings, Camera, Formats, Most"
                " Compatible), or save the picture as JPEG."
            )
        return _named("a camera's raw file" if b"crx " in brands else "a video")
    for start, name in KINDS:
        if data.startswith(start):
            return _named(name)
    return NotAnImage("The file is not a JPEG, PNG or WebP picture.")


def _named(name: str) -> NotAnImage:
    return NotAnImage(f"The file is {name}; save it as JPEG, PNG or WebP.")


def _brands(data: bytes) -> set[bytes]:
    """The brands of a file of the ISO base media format (ISO/IEC 14496-12, 4.3); empty for another."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), 256, len(data))
    return {data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))}
