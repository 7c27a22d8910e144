"""Files that are never half written."""

from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write a text file aside and move it into place."""
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
