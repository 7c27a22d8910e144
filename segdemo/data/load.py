"""One door to every data format."""

from pathlib import Path

from segdemo.data import coco, index
from segdemo.data.classes import read_json
from segdemo.data.samples import Sample
from segdemo.taxonomy import taxonomy_for
from segdemo.training.config import SourceConfig


def load_source(source: SourceConfig, labels: dict[int, str]) -> list[Sample]:
    """Read every picture of a source into memory.

    ``labels`` are the run's classes by index; they decide what is a thing. Raises ``SegdemoError`` naming the file
    that cannot be read.
    """
    things = taxonomy_for(labels).things
    if source.format == "scenes":
        from segdemo.training import drawn

        return drawn.load(source, things)
    if source.format == "coco":
        return coco.load_instances(source, labels)
    if source.format == "panoptic":
        return coco.load_panoptic(source, labels)
    return index.load(source, things)


def picture_names(source: SourceConfig) -> list[str]:
    """Return the names of a source's pictures, without suffix, without reading them."""
    if source.format == "scenes":
        return [f"scene_{source.first_seed + number}" for number in range(source.count)]
    if source.format == "index":
        return [name for name, _, _ in index.pairs(source)]
    return [Path(entry["file_name"]).stem for entry in coco.entries(source, read_json(coco.annotations(source)))]
