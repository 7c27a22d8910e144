"""One door to every layout."""

from collections.abc import Mapping

from segdemo.data.dataset import Dataset
from segdemo.data.recognise import open_source
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError


def load_source(source: SourceConfig, labels: Mapping[int, str]) -> Dataset:
    """The pictures of a source, each to be decoded when it is asked for; ``labels`` are the reader's classes by index.

    Raises ``SegdemoError`` naming what cannot be read.
    """
    listing = open_source(source)
    if listing.faults:
        raise SegdemoError(listing.faults[0])
    return Dataset(listing, source, labels)


def picture_names(source: SourceConfig) -> list[str]:
    """The names of a source's pictures, without reading them."""
    chosen = source.chooser()
    return [picture.name for picture in open_source(source).pictures if chosen(picture.name)]
