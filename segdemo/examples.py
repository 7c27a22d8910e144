"""The demo's own example pictures: painted by the scene generator, each with its exact ground truth."""

from dataclasses import dataclass
from pathlib import Path

from segdemo.errors import SegdemoError
from segdemo.settings import ASSETS

EXAMPLE_SIZE = (768, 1024)
"""Height and width of an example, in pixels."""
THUMBNAIL_SIZE = (144, 192)
"""Height and width of an example's thumbnail, in pixels."""


@dataclass(frozen=True)
class Example:
    """A picture that the demo offers, and where its files are."""

    id: str
    """Stands in file names and deep links: lower-case letters and hyphens."""
    title: str
    description: str
    category: str
    """``street``, ``nature``, ``animals``, ``people``, ``indoor`` or ``close-up``."""
    kind: str
    """The scene generator's kind and, with ``seed``, all that is needed to paint the picture again."""
    seed: int
    crf: str = ""
    """``"helps"`` where the dense CRF at its defaults raises the embedded checkpoint's mIoU plainly; tested."""

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


_FOLDER = ASSETS / "examples"

EXAMPLES: tuple[Example, ...] = (
    Example(
        "portrait",
        "Three faces",
        "Three people close to the camera on a meadow.",
        "people",
        "closeup",
        2_000_012,
        crf="helps",
    ),
    Example(
        "sheep",
        "Sheep",
        "Woolly sheep that overlap before a brick house and a fence.",
        "animals",
        "pasture",
        2_000_012,
    ),
    Example(
        "autumn-street",
        "Autumn",
        "Parked cars, a turning one, bare trees and golden ones along shops.",
        "street",
        "street",
        2_000_016,
    ),
    Example(
        "crossing",
        "Crossing",
        "A cyclist on a zebra crossing, cars, signs and houses in perspective.",
        "street",
        "street",
        2_000_003,
    ),
    Example(
        "lakeside",
        "Lakeside",
        "Trees, moored boats and two people on the shore.",
        "nature",
        "lake",
        2_000_026,
    ),
    Example(
        "cow",
        "Cow",
        "A pied cow close by, a house and an autumn tree behind the fence.",
        "animals",
        "pasture",
        2_000_022,
    ),
    Example(
        "park",
        "Park",
        "People near and far, a dog, a duck, a bench and a winding path.",
        "people",
        "park",
        2_000_004,
    ),
    Example(
        "living-room",
        "Living room",
        "Sofa, low table with flowers, television, window and curtains.",
        "indoor",
        "room",
        2_000_018,
    ),
    Example(
        "sailing",
        "Sailing",
        "Red and white sails, snowy ridges and their reflections in a lake.",
        "nature",
        "lake",
        2_000_027,
    ),
    Example(
        "bedroom",
        "Bedroom",
        "A bed with pillows, two lamps, paintings, a clock and a rug.",
        "indoor",
        "room",
        2_000_009,
    ),
    Example(
        "beach",
        "Beach",
        "Sea, sand and hills, boats at different distances, people and a duck.",
        "nature",
        "beach",
        2_000_003,
    ),
    Example(
        "books",
        "Books",
        "Thirteen covers that overlap on a table: a test for instances.",
        "close-up",
        "closeup",
        2_000_002,
    ),
)
"""What the demo offers, in the order it shows them: first what the embedded checkpoint does well."""


def example(id: str) -> Example:
    """The example with that id.

    Raises:
        SegdemoError: there is none.
    """
    for candidate in EXAMPLES:
        if candidate.id == id:
            return candidate
    known = ", ".join(candidate.id for candidate in EXAMPLES)
    raise SegdemoError(f"There is no example {id!r}: choose one of {known}.")
