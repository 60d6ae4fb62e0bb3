"""QR codes as SVG, for screens, signs and receipts."""

from __future__ import annotations

import io

import segno

DARK, LIGHT = "#000", "#fff"  # a phone reads them on a dark screen too
MOST_CHARACTERS = 2_300  # of text in a QR code that a phone still reads from a screen


def qr_svg(text: str, *, label: str = "QR") -> str:
    """A QR code with `text`, as an SVG element without a size of its own; `label` is read out by screen readers.

    Small texts get more correction, so that a scratched sign is still read. Raises ValueError: the text is empty
    or too long.
    """
    if not text or len(text.encode()) > MOST_CHARACTERS:
        raise ValueError(f"a QR code has 1 to {MOST_CHARACTERS} bytes")
    code = segno.make(text, error="l" if len(text) > 300 else "m", micro=False)
    out = io.BytesIO()
    code.save(
        out, kind="svg", border=4, dark=DARK, light=LIGHT, xmldecl=False, nl=False, omitsize=True, title=label,
        svgclass=None, lineclass=None,
    )  # fmt: skip
    return out.getvalue().decode()
