"""Takes the pictures out of a stranger's ZIP: few of them, of bounded size, whatever the archive says of itself."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from segdemo.data.files import PICTURES
from segdemo.errors import SegdemoError
from segdemo.settings import settings

_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_MOST_ENTRIES = 20
"""An archive may hold so many times as many entries as photos: folders, and what systems add."""
_CHUNK = 1 << 20
_ENCRYPTED = 1


def is_zip(path: Path) -> bool:
    """Whether a file begins as a ZIP does."""
    with path.open("rb") as stream:
        return stream.read(4) == _ARCHIVE_MAGIC[0]


def pictures_in(path: Path, *, room: int, most: int) -> Iterator[tuple[str, bytes]]:
    """The pictures in a ZIP by their file names alone, in order of their paths; other files are passed over.

    ``room`` is how many bytes they may have together, ``most`` how many there may be. Raises ``SegdemoError`` for what
    is no ZIP that can be read, for one that is encrypted, and for archives in it; a picture over the largest size of a
    file comes without its end, which whoever reads it complains about.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_ENTRIES * most:
                raise SegdemoError(f"The ZIP has {len(entries):,} entries: make one of at most {most} photos.")
            wanted = sorted(filter(_is_wanted, entries), key=lambda entry: entry.filename)
            if len(wanted) > most:
                raise SegdemoError(f"The ZIP holds {len(wanted):,} photos: at most {most} are taken at once.")
            if not wanted:
                raise SegdemoError("The ZIP holds no pictures: pack photos, not folders of other files.")
            for entry in wanted:
                content = _content(archive, entry, room)
                room -= len(content)
                yield base_name(entry.filename), content
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError) as error:
        raise SegdemoError(f"The ZIP cannot be read ({error}): pack it again, without a password.") from None


def base_name(name: str) -> str:
    """The last part of a path of any system, without what cannot be seen; short enough for every file system."""
    last = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    stem, dot, ending = last.rpartition(".")
    stem, ending = (stem, ending) if dot else (last, "")
    return f"{stem.encode()[:120].decode(errors='ignore')}{dot}{ending[:10]}".lstrip(".") or "photo"


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.replace("\\", "/").split("/")
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    if entry.is_dir() or hidden or "__MACOSX" in parts:
        return False
    if parts[-1].lower().endswith(_ARCHIVES):
        raise SegdemoError(f"The ZIP holds another archive ({base_name(parts[-1])}): unpack that first.")
    return parts[-1].lower().endswith(PICTURES)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> bytes:
    """What an entry unpacks to, counted while it is unpacked: what it says of its size is not believed."""
    if entry.flag_bits & _ENCRYPTED:
        raise SegdemoError("The ZIP is encrypted: pack the photos without a password.")
    content, limit = bytearray(), settings().max_file_bytes + 1
    with archive.open(entry) as stream:
        while len(content) < limit and (chunk := stream.read(min(_CHUNK, limit - len(content)))):
            content += chunk
            if len(content) > room:
                raise SegdemoError("The photos in the ZIP are too large together: send fewer, or smaller ones.")
    if bytes(content[:6]).startswith(_ARCHIVE_MAGIC):
        raise SegdemoError(f"The ZIP holds another archive ({base_name(entry.filename)}): unpack that first.")
    return bytes(content)
