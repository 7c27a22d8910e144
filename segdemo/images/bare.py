"""A picture file without its metadata: what its pixels need, and apart from that which way is up and which colours.

Decoders refuse sound pixels for what stands beside them: EXIF that breaks its own rules, long texts, a resolution
that is a word. Every browser shows such files. So JPEG, PNG and TIFF are walked first, only what pixels need is handed
on, and the orientation and the colour profile are read tolerantly.
"""

from dataclasses import dataclass

DAMAGED = "The picture is damaged or cut off and cannot be read: save or download it again."
MAX_PROFILE_BYTES = 8_000_000
"""Longest colour profile that is used; the largest in use have 4 MB."""
MAX_TEXT_BYTES = 1_000_000
"""Longest text that is searched for an orientation."""


@dataclass(frozen=True)
class Bare:
    """A picture's file, made bare."""

    data: bytes
    """The file with what its pixels need, and no more."""
    orientation: int = 1
    """1..8 as in EXIF; 1 is upright."""
    profile: bytes | None = None
    """The embedded colour profile, unchecked."""
    refused: str | None = None
    """A sentence, where these pixels cannot be had although the file may be sound."""


def unsupported(name: str) -> str:
    """Say that a file of the format ``name`` is what it says and yet cannot be read."""
    return (
        f"This {name} holds its pixels in a form that cannot be read here: "
        "save it as an ordinary PNG or JPEG and try again."
    )
