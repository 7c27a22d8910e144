"""What somebody says of labelled pictures: where they are, in which form, which of them."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["auto", "index", "ade20k", "cityscapes", "voc", "coco", "panoptic", "yolo"]


class SourceConfig(BaseModel):
    """Where labelled pictures come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format = "auto"
    """The layout; ``auto`` recognises it."""
    data: Path
    """The folder of the data set, or its annotation file."""
    images: Path | None = None
    """Folder of the pictures; default: where the layout has them."""
    labels: Path | None = None
    """Folder of the label files; default: where the layout has them."""
    include: list[str] = Field(default_factory=lambda: ["*"])
    """Only pictures whose name matches one of these patterns. A picture's name is its path below the folder of the
    pictures without its suffix; a pattern may be for its last part alone."""
    exclude: list[str] = Field(default_factory=list)
    """Leave out pictures whose name matches one of these patterns."""
    only: list[str] | None = None
    """Only the pictures with these very names."""
    without: list[str] = Field(default_factory=list)
    """Leave out the pictures with these very names."""
    split: str | None = None
    """Which part of the data set: a name that the layout has, or ``train``, ``val``, ``test`` for what it calls so."""
    classes: Path | None = None
    """Class list of index PNGs; default: beside them."""
    reduce_labels: bool = False
    """Index PNGs as ADE20K's own: 0 means no label, and every other value is the class index plus one."""
    partial: bool = False
    """Whether objects were left out when they were annotated: then nothing is known of what has no object."""

    def chooser(self) -> Callable[[str], bool]:
        """Whether a picture's name is among those asked for."""
        only = None if self.only is None else frozenset(self.only)
        without = frozenset(self.without)
        every = self.include == ["*"]

        def chosen(name: str) -> bool:
            return (
                (only is None or name in only)
                and name not in without
                and (every or _matches(name, self.include))
                and not _matches(name, self.exclude)
            )

        return chosen

    @property
    def asked(self) -> str:
        """Which pictures were asked for, as a sentence goes on after "no pictures"."""
        parts = [f" in the split {self.split!r}"] if self.split else []
        if self.include != ["*"]:
            parts.append(f" that match {', '.join(self.include)}")
        if self.exclude or self.without or self.only is not None:
            parts.append(" but those left out" if self.only is None else " of the names asked for")
        return "".join(parts)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    last = name.rpartition("/")[2]
    return any(
        pattern in (name, last) or fnmatchcase(name, pattern) or fnmatchcase(last, pattern) for pattern in patterns
    )
