"""What a data set holds before anything of it is decoded, and what every layout has to answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.errors import SegdemoError
from segdemo.labels import NOTHING
from segdemo.prediction import Size


@dataclass(frozen=True)
class DataClass:
    """A class as the data names it."""

    name: str
    isthing: bool | None = None
    """Whether the data says that it is countable; none where it does not say."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a data set."""

    name: str
    """Unique in the data set: the path below the folder of the pictures, without suffix where that is unique."""
    image: Path
    key: Any = None
    """What its labels are found by; the layout's own."""


@dataclass(frozen=True)
class View:
    """What the data's classes are to those who ask for labels."""

    table: npt.NDArray[np.int64]
    """Class index that each of the data's classes stands for, or ``VOID``."""
    things: frozenset[int]
    """The indices of the countable ones."""
    rest: int = NOTHING
    """What a pixel is that is none of the data's classes: ``NOTHING``, ``OTHER``, or ``VOID``."""

    @classmethod
    def own(cls, classes: Sequence[DataClass]) -> "View":
        """The data's own indices, without telling objects apart."""
        return cls(np.arange(len(classes)), frozenset())


@dataclass(frozen=True)
class Truth:
    """The labels of a picture; see ``Sample``."""

    segments: npt.NDArray[np.uint16]
    classes: npt.NDArray[np.int64]
    crowd: npt.NDArray[np.bool_] | None = None


@dataclass
class Listing(ABC):
    """The pictures of a data set, or of a split of it, with a way to read the labels of each."""

    where: Path
    """Folder or file that sentences name."""
    split: str | None
    pictures: tuple[Picture, ...]
    classes: tuple[DataClass, ...]
    """The data's classes in the order of their own indices; empty where they are the reader's."""
    faults: list[str] = field(default_factory=list)
    """What was found wrong while listing."""
    background: int | None = None
    """The index of the class that stands for what is of none of the others."""
    class_list: Path | None = None
    """The file that names the classes, where it is another than ``where``."""
    picture_list: Path | None = None
    """The file that lists the pictures of the split, where it is another than ``where``."""

    title = ""
    """What people call the layout."""

    @property
    def summary(self) -> str:
        """One line: layout, pictures, split, classes."""
        split = f" of the split {self.split}" if self.split else ""
        names = [entry.name for entry in self.classes]
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        classes = f"{len(names)} classes ({shown})" if len(names) != 1 else f"1 class ({shown})"
        pictures = "1 picture" if len(self.pictures) == 1 else f"{len(self.pictures)} pictures"
        return f"{self.title}: {pictures}{split} in {self.where}, {classes if names else 'no class list'}"

    @property
    def knows_rest(self) -> bool:
        """Whether it says of pixels that they are of none of its classes; else those without a label are unknown."""
        return self.background is not None

    @abstractmethod
    def truth(self, picture: Picture, size: Size, view: View) -> Truth:
        """Read the labels of a picture of ``size`` (height, width).

        Raises ``SegdemoError`` naming the file and the entry that cannot be read.
        """

    def apart(self, picture: Picture) -> bool:
        """Whether the picture's labels tell the objects of a class apart."""
        return True

    def check(self, picture: Picture, size: Size) -> None:  # noqa: B027 (most have nothing more to read)
        """Read what ``truth`` only reads where objects are told apart; raises ``SegdemoError`` as it does."""


@dataclass(frozen=True)
class Found:
    """A data set that was recognised, with what it is divided into."""

    format: str
    title: str
    splits: Mapping[str, Callable[[], Listing]]
    """The parts by the layout's own names, each to be listed when it is asked for."""
    whole: Callable[[], Listing] | None = None
    """All pictures, where the layout has them together."""
    divided_by: Path | None = None
    """The file or folder that says what the splits are, where it is another than the data set's own."""


def about(path: Path, error: SegdemoError) -> str:
    """A sentence about a file that begins with its name."""
    said = str(error)
    if str(path) in said:
        return said
    for subject in ("It ", "The picture ", "The file "):
        if said.startswith(subject):
            return f"{path} {said.removeprefix(subject)}"
    return f"{path}: {said}"
