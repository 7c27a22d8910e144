"""Class tables: name, colour, thing or stuff; for ADE20K and for any checkpoint's ``id2label``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from segdemo.class_tables import (
    ADE20K,
    ADE20K_INDOORS,
    ADE20K_OUTDOORS,
    ADE20K_STUFF,
    CITYSCAPES,
    CITYSCAPES_THINGS,
    COCO_STUFF,
    COCO_THINGS,
)
from segdemo.colors import Color, distinct_colors

ADE20K_ANCHORS: Mapping[str, Color] = {
    "sky": (112, 190, 236),
    "tree": (46, 125, 50),
    "grass": (139, 195, 74),
    "plant": (0, 168, 107),
    "water": (30, 96, 200),
    "road": (128, 100, 150),
    "sidewalk": (236, 120, 200),
    "building": (190, 120, 90),
    "wall": (150, 150, 170),
    "person": (220, 30, 60),
    "car": (255, 152, 0),
    "earth": (120, 84, 50),
    "mountain": (94, 110, 90),
    "floor": (205, 170, 125),
    "ceiling": (214, 222, 226),
    "animal": (255, 220, 50),
}
"""Colours close to what the commonest classes look like, so that a map reads at a glance; others keep away."""


@dataclass(frozen=True)
class ClassInfo:
    """One class of a checkpoint."""

    index: int
    """The checkpoint's own 0-based index."""
    name: str
    synonyms: tuple[str, ...]
    color: Color
    """sRGB, 0..255 each; distinct within a taxonomy."""
    isthing: bool
    """Countable (a thing) or not (stuff)."""


@dataclass(frozen=True)
class Taxonomy:
    """The classes a checkpoint can name, in index order."""

    name: str
    """The data set it was recognised as: ``ADE20K``, ``COCO``, ``Cityscapes``, or ``custom``."""
    classes: tuple[ClassInfo, ...]

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, index: int) -> ClassInfo:
        """Return the class with this index of the checkpoint; raises ``KeyError`` for unknown indices."""
        return self._by_index[index]

    @cached_property
    def _by_index(self) -> dict[int, ClassInfo]:
        return {entry.index: entry for entry in self.classes}

    @cached_property
    def things(self) -> frozenset[int]:
        """Indices of the thing classes."""
        return frozenset(entry.index for entry in self.classes if entry.isthing)

    @cached_property
    def stuff(self) -> frozenset[int]:
        """Indices of the stuff classes."""
        return frozenset(entry.index for entry in self.classes if not entry.isthing)

    @cached_property
    def colors(self) -> dict[int, Color]:
        """Colour of each class index."""
        return {entry.index: entry.color for entry in self.classes}

    def find(self, name: str) -> ClassInfo:
        """Return the class called ``name`` or having it as a synonym; raises ``KeyError`` if there is none."""
        wanted = _normal(name)
        for entry in self.classes:
            if _normal(entry.name) == wanted:
                return entry
        for entry in self.classes:
            if wanted in map(_normal, entry.synonyms):
                return entry
        raise KeyError(name)


@dataclass(frozen=True)
class _Known:
    synonyms: tuple[str, ...]
    isthing: bool
    color: Color | None = None


def ade20k() -> Taxonomy:
    """Return the 150 classes of ADE20K in the usual order."""
    return taxonomy_for({index: names.split(",")[0] for index, names in enumerate(ADE20K)})


def taxonomy_for(id2label: Mapping[int, str], *, stuff: Collection[int] | None = None) -> Taxonomy:
    """Return the taxonomy of any checkpoint.

    The data set whose table knows most of the labels decides what is a thing and what is stuff; ADE20K's classes keep
    their colours in any order or subset, and Cityscapes' have the benchmark's own. Labels unknown to it are
    looked up in the other tables, and count as things where nobody knows them; ``stuff`` are the indices of the stuff
    classes where somebody does. Colours are distinct and depend on the labels only.
    """
    found = _taxonomy(tuple((int(index), str(label)) for index, label in sorted(id2label.items())))
    if stuff is None:
        return found
    return replace(found, classes=tuple(replace(one, isthing=one.index not in stuff) for one in found.classes))


@lru_cache(maxsize=16)
def _taxonomy(labels: tuple[tuple[int, str], ...]) -> Taxonomy:
    tables = _tables()
    hits = {name: sum(_normal(label) in table for _, label in labels) for name, table in tables.items()}
    best = max(hits, key=lambda name: hits[name])
    recognised = 2 * hits[best] >= len(labels) > 0
    order = [tables[best], *(table for name, table in tables.items() if name != best)]
    known = [next((table[_normal(label)] for table in order if _normal(label) in table), None) for _, label in labels]

    taken: list[Color] = []
    wanted: list[Color | None] = []
    for (_, label), entry in zip(labels, known, strict=True):
        color = entry.color if entry is not None and recognised and _normal(label) in tables[best] else None
        wanted.append(color if color not in taken else None)
        if wanted[-1] is not None:
            taken.append(wanted[-1])
    fresh = iter(distinct_colors(len(labels) - len(taken), keep=tuple(taken)))
    classes = []
    for (index, label), entry, color in zip(labels, known, wanted, strict=True):
        name, _, rest = label.partition(",")
        synonyms = entry.synonyms if entry is not None else tuple(part.strip() for part in rest.split(",") if rest)
        classes.append(
            ClassInfo(
                index=index,
                name=name.strip(),
                synonyms=tuple(word for word in synonyms if word != name.strip()),
                color=color if color is not None else next(fresh),
                isthing=entry.isthing if entry is not None else True,
            )
        )
    return Taxonomy(name=best if recognised else "custom", classes=tuple(classes))


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, _Known]]:
    return {
        "ADE20K": _ade_table(),
        "COCO": _plain_table(COCO_THINGS, COCO_STUFF),
        "Cityscapes": {
            _normal(name): _Known((), name in CITYSCAPES_THINGS, color) for name, (_, color) in CITYSCAPES.items()
        },
    }


def _plain_table(things: tuple[str, ...], stuff: tuple[str, ...]) -> dict[str, _Known]:
    return {_normal(name): _Known((), name in things) for name in (*things, *stuff)}


def _ade_table() -> dict[str, _Known]:
    """Every spelling that names exactly one class: first names, alone and with more after them, then synonyms."""
    rows = [tuple(word.strip() for word in names.split(",")) for names in ADE20K]
    # "pool" is how the panoptic checkpoints and OneFormer's class file abbreviate an entry that does not have it alone.
    rows = [(*row, "pool") if row[0] == "swimming pool" else row for row in rows]
    # Who is seen together must be told apart: rock, sand and earth more than rock and pillow.
    seen = {
        row[0]: (index not in ADE20K_INDOORS) + 2 * (index not in ADE20K_OUTDOORS) for index, row in enumerate(rows)
    }
    others = [row[0] for row in rows if row[0] not in ADE20K_ANCHORS]
    places = tuple(seen[name] for name in (*ADE20K_ANCHORS, *others))
    fresh = iter(distinct_colors(len(others), keep=tuple(ADE20K_ANCHORS.values()), places=places))
    entries = [
        _Known(row, index not in ADE20K_STUFF, ADE20K_ANCHORS.get(row[0]) or next(fresh))
        for index, row in enumerate(rows)
    ]
    table: dict[str, _Known] = {}
    counts: dict[str, int] = {}
    for row in rows:
        for word in {_normal(word) for word in row}:
            counts[word] = counts.get(word, 0) + 1
    for row, entry in zip(rows, entries, strict=True):
        table.update({_normal(word): entry for word in row if counts[_normal(word)] == 1})
    # "screen" is also what a blind and a screen door are called, after their first names.
    table["screen"] = entries[next(i for i, row in enumerate(rows) if row[0] == "screen")]
    for row, entry in zip(rows, entries, strict=True):
        table.update({_normal(", ".join(row[: count + 1])): entry for count in range(len(row))})
    return table


def _normal(label: str) -> str:
    """One spelling for what differs only in case, white space, underscores, or how its parts are separated."""
    parts = label.lower().replace("_", " ").replace(";", ",").split(",")
    return ", ".join(" ".join(part.split()) for part in parts)
