"""The demo's examples: photographs that installed packages bring, and scenes painted by the project's own generator."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from segdemo.errors import SegdemoError
from segdemo.images import encode_jpeg, load_image, thumbnail
from segdemo.settings import ASSETS

EXAMPLE_SIZE = (768, 1024)
"""Height and width of a scene, in pixels."""
THUMBNAIL_SIZE = (144, 192)
"""Height and width of an example's thumbnail, in pixels."""


class Example(Protocol):
    """A picture that the demo offers."""

    @property
    def id(self) -> str:
        """Stands in file names and deep links: lower-case letters and hyphens."""
        ...

    @property
    def title(self) -> str:
        """A word or two."""
        ...

    @property
    def description(self) -> str:
        """A sentence."""
        ...

    @property
    def image(self) -> Path:
        """The picture's file."""
        ...

    @property
    def drawn(self) -> bool:
        """Whether it is a drawing, not a photograph."""
        ...

    @property
    def crf(self) -> str:
        """``"helps"`` where the dense CRF at its defaults raises the embedded checkpoint's mIoU plainly; tested."""
        ...

    def small(self) -> bytes:
        """The picture as a JPEG of ``THUMBNAIL_SIZE``."""
        ...


@dataclass(frozen=True)
class Photograph:
    """A photograph that an installed package brings; it is opened there and is no part of this project."""

    id: str
    title: str
    description: str
    package: str
    file: str
    """Path inside the package."""
    drawn: bool = False
    crf: str = ""

    @property
    def image(self) -> Path:
        """The file in the installed package; raises ``SegdemoError`` where this version of it has none."""
        found = find_spec(self.package)
        for folder in (found.submodule_search_locations or []) if found else []:
            path = Path(folder) / self.file
            if path.is_file():
                return path
        raise SegdemoError(f"The installed {self.package} does not bring {self.file}: choose another example.")

    @property
    def there(self) -> bool:
        """Whether the installed package brings it."""
        try:
            return self.image.is_file()
        except SegdemoError:
            return False

    def small(self) -> bytes:
        """See ``Example``."""
        return encode_jpeg(thumbnail(load_image(self.image), THUMBNAIL_SIZE))


@dataclass(frozen=True)
class Scene:
    """A drawn scene with its exact ground truth, a file of the project's own."""

    id: str
    title: str
    description: str
    category: str
    """``street``, ``nature``, ``animals``, ``people``, ``indoor`` or ``close-up``."""
    kind: str
    """The scene generator's kind and, with ``seed``, all that is needed to paint the picture again."""
    seed: int
    crf: str = ""
    drawn: bool = True

    @property
    def image(self) -> Path:
        """The picture, a JPEG of ``EXAMPLE_SIZE``."""
        return _FOLDER / f"{self.id}.jpg"

    @property
    def thumbnail(self) -> Path:
        """The picture small, a JPEG of ``THUMBNAIL_SIZE``."""
        return _FOLDER / f"{self.id}.thumb.jpg"

    @property
    def labels(self) -> Path:
        """Ground truth classes: 8-bit PNG of ADE20K indices 0..149, 255 where there is none."""
        return _FOLDER / f"{self.id}.labels.png"

    @property
    def instances(self) -> Path:
        """Ground truth regions: RGB PNG with id = R + 256 G + 65536 B as in COCO panoptic, 0 where there is none."""
        return _FOLDER / f"{self.id}.instances.png"

    def small(self) -> bytes:
        """See ``Example``."""
        return self.thumbnail.read_bytes()


_FOLDER = ASSETS / "examples"

_GRADIO, _MATPLOTLIB = "gradio", "matplotlib"
PHOTOGRAPHS: tuple[Photograph, ...] = (
    Photograph(
        "tower",
        "Tower",
        "The Eiffel Tower from below, its girders against the sky, a branch before its top.",
        _GRADIO,
        "media_assets/images/tower.jpg",
    ),
    Photograph(
        "officer",
        "Officer",
        "Grace Hopper in uniform before a wall, a flag beside her.",
        _MATPLOTLIB,
        "mpl-data/sample_data/grace_hopper.jpg",
    ),
    Photograph(
        "cheetah",
        "Cheetah",
        "The face of a cheetah before blurred leaves.",
        _GRADIO,
        "media_assets/images/cheetah1.jpg",
    ),
    Photograph(
        "sprint",
        "Sprint",
        "A cheetah at full speed; the camera follows and everything else is a blur.",
        _GRADIO,
        "media_assets/images/cheetah.jpg",
    ),
)
"""Photographs on which the embedded checkpoint is right about what they show, the fullest one first."""

SCENES: tuple[Scene, ...] = (
    Scene(
        "portrait",
        "Three faces",
        "Three people close to the camera on a meadow.",
        "people",
        "closeup",
        2_000_012,
        crf="helps",
    ),
    Scene(
        "sheep",
        "Sheep",
        "Woolly sheep that overlap before a brick house and a fence.",
        "animals",
        "pasture",
        2_000_012,
    ),
    Scene(
        "autumn-street",
        "Autumn",
        "Parked cars, a turning one, bare trees and golden ones along shops.",
        "street",
        "street",
        2_000_016,
    ),
    Scene(
        "crossing",
        "Crossing",
        "A cyclist on a zebra crossing, cars, signs and houses in perspective.",
        "street",
        "street",
        2_000_003,
    ),
    Scene(
        "lakeside",
        "Lakeside",
        "Trees, moored boats and two people on the shore.",
        "nature",
        "lake",
        2_000_026,
    ),
    Scene(
        "cow",
        "Cow",
        "A pied cow close by, a house and an autumn tree behind the fence.",
        "animals",
        "pasture",
        2_000_022,
    ),
    Scene(
        "park",
        "Park",
        "People near and far, a dog, a duck, a bench and a winding path.",
        "people",
        "park",
        2_000_004,
    ),
    Scene(
        "living-room",
        "Living room",
        "Sofa, low table with flowers, television, window and curtains.",
        "indoor",
        "room",
        2_000_018,
    ),
    Scene(
        "sailing",
        "Sailing",
        "Red and white sails, snowy ridges and their reflections in a lake.",
        "nature",
        "lake",
        2_000_027,
    ),
    Scene(
        "bedroom",
        "Bedroom",
        "A bed with pillows, two lamps, paintings, a clock and a rug.",
        "indoor",
        "room",
        2_000_009,
    ),
    Scene(
        "beach",
        "Beach",
        "Sea, sand and hills, boats at different distances, people and a duck.",
        "nature",
        "beach",
        2_000_003,
    ),
    Scene(
        "books",
        "Books",
        "Thirteen covers that overlap on a table: a test for instances.",
        "close-up",
        "closeup",
        2_000_002,
    ),
)
"""Drawn examples, in the order in which they are shown: first what the embedded checkpoint does well."""


@cache
def offered() -> tuple[Example, ...]:
    """What this installation offers, in the order in which it is shown: photographs first, then scenes."""
    return (*(photograph for photograph in PHOTOGRAPHS if photograph.there), *SCENES)


def example(id: str) -> Example:
    """The example with that id.

    Raises:
        SegdemoError: there is none.
    """
    for candidate in offered():
        if candidate.id == id:
            return candidate
    known = ", ".join(candidate.id for candidate in offered())
    raise SegdemoError(f"There is no example {id!r}: choose one of {known}.")
