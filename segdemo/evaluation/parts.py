"""What an unfinished evaluation has measured so far, a line of JSON for each picture, so that it can go on."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class Parts:
    """The lines of a file: the first says what they are of, each further one is a picture's.

    A line counts once its end is written: what was interrupted in the middle is cut off when the file is opened again.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        """Go on with the file where it is about the same, and else begin it."""
        self.path = path
        self.names: set[str] = set()
        """The pictures that are there."""
        head = json.dumps(about, sort_keys=True, ensure_ascii=False)
        self.begun_anew = False
        """Whether there was something about another evaluation, which is gone."""
        end = self._sound(head)
        if end is None:
            self.begun_anew = path.is_file() and path.stat().st_size > 0
            path.write_text(head + "\n", encoding="utf-8")
        else:
            os.truncate(path, end)

    def _sound(self, head: str) -> int | None:
        """Where the last whole line ends; none where the file is about something else."""
        try:
            with self.path.open("rb") as stream:
                end = len(line) if (line := stream.readline()) == (head + "\n").encode() else None
                for line in stream if end is not None else ():
                    try:
                        name = json.loads(line)["name"] if line.endswith(b"\n") else None
                    except (ValueError, KeyError, TypeError):
                        name = None
                    if not isinstance(name, str) or end is None:
                        break
                    self.names.add(name)
                    end += len(line)
                return end
        except OSError:
            return None

    def add(self, part: Mapping[str, Any]) -> None:
        """Write a picture's line, which has its ``name``."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(part, ensure_ascii=False, separators=(",", ":")) + "\n")
        self.names.add(part["name"])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The pictures' lines one by one, in the order in which they were written."""
        with self.path.open(encoding="utf-8") as stream:
            stream.readline()
            for line in stream:
                yield json.loads(line)

    def remove(self) -> None:
        """The evaluation is finished."""
        self.path.unlink(missing_ok=True)
