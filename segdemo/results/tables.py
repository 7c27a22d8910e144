"""What is written about a batch as a whole: ``results.csv``, ``failures.csv`` and ``manifest.json``."""

import csv
import io
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from segdemo import __version__
from segdemo.results.folder import Entry, Results

RESULTS, FAILURES, MANIFEST = "results.csv", "failures.csv", "manifest.json"
_PACKAGES = ("torch", "transformers", "numpy", "opencv-python", "pillow", "scipy")


def write_tables(
    results: Results, names: Iterable[str], work: Mapping[str, Any], run: Mapping[str, Any], started: datetime
) -> None:
    """Write the tables of the photos whose results have these names, in their order; one that was not done is left out.

    ``work`` is ``Work.describe()``; ``run`` says how the network was run. Raises ``OSError``. Entries are read from the
    folder one by one, so that memory does not grow with the batch.
    """
    names = list(names)

    def entries() -> Iterator[Entry]:
        return (entry for name in names if (entry := results.entry(name)) is not None)

    with results.writing(RESULTS) as stream:
        stream.write(_row("name", "status", "seconds", "classes"))
        for entry in entries():
            stream.write(_row(entry.name, entry.status, f"{entry.seconds:.3f}", shares(entry)))
    with results.writing(FAILURES) as stream:
        stream.write(_row("name", "reason"))
        for entry in entries():
            if not entry.done:
                stream.write(_row(entry.name, entry.reason))
    head = {
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **work,
        "run": dict(run),
        "versions": versions(),
    }
    with results.writing(MANIFEST) as stream:
        stream.write(json.dumps(head, indent=1, ensure_ascii=False).encode()[:-2] + b',\n "photos": [')
        for number, entry in enumerate(entries()):
            photo = {
                "name": entry.name,
                "file": entry.file,
                "sha256": entry.sha256 or None,
                "bytes": entry.nbytes,
                "status": entry.status,
                "files": list(entry.files),
            }
            stream.write((b",\n  " if number else b"\n  ") + json.dumps(photo, ensure_ascii=False).encode())
        stream.write(b"\n ]\n}\n")


def shares(entry: Entry) -> str:
    """An entry's classes in a cell: ``sky 41.20 %; tree 20.01 %``."""
    return "; ".join(f"{label} {100 * share:.2f} %" for label, share in entry.classes)


def versions() -> dict[str, str]:
    """What results may differ by although nothing else does."""
    found = {"segdemo": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _row(*cells: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
