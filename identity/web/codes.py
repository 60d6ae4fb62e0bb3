"""Codes of problems that several operations of the identity half can answer: for `errors=` of their routes."""

from __future__ import annotations

PRESS = ("press_expired", "press_refused", "too_many_failures")
PICTURES = (
    "animated_image",
    "frame_too_large",
    "not_an_image",
    "suspicious_image",
    "too_few_pixels",
    "too_hard_to_decode",
    "too_many_pixels",
    "truncated_image",
)
FACES = (
    "face_blurred",
    "face_covered",
    "face_off_centre",
    "face_too_small",
    "face_turned",
    "no_face",
    "several_faces",
    "too_bright",
    "too_dark",
)
RECOGNITION = (
    "engine_unavailable",
    "key_file_damaged",
    "not_calibrated",
    "seal_broken",
    "storage_full",
    "vector_invalid",
)
"""What keeps recognition from working, at the device or in the house."""

DEVICE_VECTORS = (
    "device_key_missing",
    "device_message_refused",
    "device_vectors_invalid",
    "other_pack",
    "pictures_not_taken",
    "seal_key_unknown",
    "seal_keys_damaged",
    "too_many_today",
    "vectors_not_taken",
)
"""Of devices that send vectors, or should."""

LOOKED_AT = (*PRESS, *PICTURES, *FACES, *DEVICE_VECTORS, *RECOGNITION)
"""Of an operation that takes pictures of a press, or vectors in their place."""

TOKEN = ("customer_left", "token_altered", "token_expired", "token_foreign")
"""Of an operation that takes a token in its body."""

BY_CODE = ("code_mistyped", "code_or_pin_wrong", "pin_invalid", "too_many_codes")
PIN = ("pin_invalid", "pin_locked", "pin_not_set", "pin_wrong")
CONSENT = ("age_not_confirmed", "no_consent", "notice_altered", "notice_outdated", "unknown_purpose")
RECEIPT = ("code_mistyped", "customer_left", "enrolment_unknown", "too_many_requests")
AT_A_BOX = ("not_at_a_box",)
"""A store box recognises; joining and PINs are for the centre."""
