"""The labelled pictures of a source as a sequence, each decoded when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from typing import overload

import numpy as np

from segdemo.data.classes import class_table
from segdemo.data.listing import Listing, Picture, View
from segdemo.data.samples import Sample
from segdemo.data.source import SourceConfig
from segdemo.data.survey import Survey, read_photo, survey
from segdemo.errors import SegdemoError
from segdemo.labels import NOTHING, OTHER, VOID
from segdemo.taxonomy import taxonomy_for


class Dataset(Sequence[Sample]):
    """The pictures of a listing that a source asks for, with classes in the terms of whoever reads them."""

    def __init__(self, listing: Listing, source: SourceConfig, labels: Mapping[int, str]) -> None:
        """``labels`` are the reader's classes by index; the data's are matched with them by name."""
        chosen = source.chooser()
        self.listing = listing
        self.labels = dict(labels)
        self.pictures: tuple[Picture, ...] = tuple(entry for entry in listing.pictures if chosen(entry.name))
        """In the listing's order."""
        self.source = source
        names = [entry.name for entry in listing.classes]
        table = class_table(names, labels) if names else list(range(max(labels, default=-1) + 1))
        self.covered = frozenset(table) - {VOID}
        """The reader's classes that this data annotates."""
        if not self.covered:
            own, asked = (", ".join(some[:6]) for some in (names, list(labels.values())))
            raise SegdemoError(
                f"None of the classes of {listing.class_list or listing.where} ({own}) "
                f"is among the {len(labels)} asked for ({asked})."
            )
        self.unmapped = tuple(
            index for index, target in enumerate(table) if target == VOID and index != listing.background
        )
        """The data's classes that the reader does not have."""
        things = set(taxonomy_for(labels).things)
        stuff: set[int] = set()
        for entry, target in zip(listing.classes, table, strict=False):
            if entry.isthing is not None and target != VOID:
                (things if entry.isthing else stuff).add(target)
        self.things = frozenset(things - stuff)
        """Those of the reader's classes that are countable, as the data says where it does."""
        rest = VOID if source.partial else NOTHING if self.covered >= set(labels) else OTHER
        self.says_things = any(entry.isthing is not None for entry in listing.classes)
        """Whether the data says what is countable."""
        self.empty = rest == NOTHING and listing.knows_rest
        """Whether pixels may be of none of the reader's classes."""
        self._view = View(np.array(table, np.int64), self.things, rest)
        self._survey: Survey | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        """Decode a picture; raises ``SegdemoError`` naming the file that cannot be read."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        picture = self.pictures[index]
        image = read_photo(picture)
        truth = self.listing.truth(picture, (image.shape[0], image.shape[1]), self._view)
        apart = self.listing.apart(picture)
        return Sample(picture.name, image, truth.segments, truth.classes, truth.crowd, apart=apart)

    @property
    def names(self) -> list[str]:
        """The pictures' names, in their order."""
        return [picture.name for picture in self.pictures]

    def part(self, names: Sequence[str]) -> "Dataset":
        """The pictures with these names alone."""
        return Dataset(self.listing, self.source.model_copy(update={"only": list(names)}), self.labels)

    def survey(self, progress: Callable[[int, int], None] | None = None) -> Survey:
        """Read all pictures once: what is wrong with them, and what they show in the data's own classes.

        ``progress`` is called with the pictures done and their number.
        """
        if self._survey is None:
            self._survey = survey(self.listing, self.pictures, len(self._view.table), progress)
        return self._survey

    def areas(self) -> list[dict[int, int]]:
        """Pixels of each of the reader's classes, for every picture."""
        table = self._view.table
        found = []
        for own in self.survey().areas:
            areas: dict[int, int] = {}
            for index, area in own.items():
                if table[index] != VOID:
                    areas[int(table[index])] = areas.get(int(table[index]), 0) + area
            found.append(areas)
        return found

    def lines(self, who: str) -> list[str]:
        """What people should know of the data, a line each: what it is, which of its classes ``who`` does not have."""
        lines = [self.listing.summary]
        totals = {self.listing.classes[index].name: 0 for index in self.unmapped}
        for own in self.survey().areas:
            for index in self.unmapped:
                totals[self.listing.classes[index].name] += own.get(index, 0)
        seen = sorted((name for name in totals if totals[name]), key=lambda name: -totals[name])
        if totals:
            shown = [f"{name} ({totals[name]} pixels)" for name in seen]
            unseen = [name for name in totals if not totals[name]]
            if unseen:
                shown.append(f"{', '.join(unseen) if len(unseen) <= 6 else f'{len(unseen)} more'} (0 pixels)")
            lines.append(f"No label, since {who} has no such class: {', '.join(shown)}")
        return lines
