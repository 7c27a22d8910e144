"""The labelled pictures of a run, in the run's classes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segdemo.data import Dataset, open_source
from segdemo.data.checks import check, refuse
from segdemo.data.classes import labels_of, read_classes
from segdemo.segmentation.semantic import LEAST
from segdemo.training.config import RunConfig

TRAIN = ("train",)
VALIDATION = ("val", "test")
"""Which split is taken where none is asked for, in this order."""


@dataclass(frozen=True)
class RunData:
    """What a run trains on and what it is measured on."""

    labels: Mapping[int, str]
    """The run's classes by index."""
    sources: Mapping[str, Dataset]
    validation: Mapping[str, Dataset]

    @classmethod
    def open(cls, config: RunConfig) -> "RunData":
        """List the pictures of all sources; the classes are those of the run, else of its first source.

        Raises ``SegdemoError`` for a source that is not there or not in a known form, or has no class of the run.
        """
        listings = {name: open_source(source, prefer=TRAIN) for name, source in config.sources.items()}
        first = next(iter(listings.values()))
        labels = read_classes(config.classes) if config.classes is not None else labels_of(first)
        kept = {name: open_source(source, prefer=VALIDATION) for name, source in config.validation.items()}
        return cls(
            labels,
            {name: Dataset(listings[name], source, labels) for name, source in config.sources.items()},
            {name: Dataset(kept[name], source, labels) for name, source in config.validation.items()},
        )

    def check(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read everything once; raises ``SegdemoError`` listing every fault of every source."""
        named = [*self.sources.items(), *((f"validation {name}", data) for name, data in self.validation.items())]
        refuse({name: check(data, progress) for name, data in named}, "The data cannot be trained on as it is")

    @property
    def kind(self) -> str:
        """What can be learned to separate: objects, or everything."""
        return "instance" if all(data.empty for data in self.sources.values()) else "panoptic"

    @property
    def about(self) -> dict[str, Any]:
        """What a checkpoint should say of itself: its stuff classes where the data says so, and what no class is."""
        sources = self.sources.values()
        said = [data for data in sources if data.says_things]
        return {
            "stuff": sorted(set(self.labels) - said[0].things) if said else None,
            "least_score": LEAST if any(data.empty for data in sources) else 0.0,
        }

    def lines(self) -> Iterator[str]:
        """What people should know of the data, a line each."""
        for name, data in self.sources.items():
            yield from (f"{name}: {line}" for line in data.lines("the run"))
