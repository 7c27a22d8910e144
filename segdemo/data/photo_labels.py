"""The labels of one photograph from a file that somebody hands in, in any of the usual forms.

What the file says decides the form where it is certain; where several fit, a sentence asks. Classes are matched with
the checkpoint's by name, as in ``classes.class_table``; a class that it does not have is no label, and is listed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from segdemo.data.classes import class_table
from segdemo.data.colour_tables import colour_table, names_colours
from segdemo.data.labelmaps import some
from segdemo.data.layouts import cityscapes
from segdemo.data.listing import Truth, about
from segdemo.data.photo_coco import coco_truth, is_json, is_panoptic, panoptic_truth, read_document
from segdemo.errors import SegdemoError
from segdemo.images import decode_png_ids, decode_png_index
from segdemo.images.reading import read_bytes
from segdemo.labels import IGNORE, NOTHING, OTHER, VOID
from segdemo.prediction import Size
from segdemo.taxonomy import ade20k

Form = Literal["index", "ade20k", "cityscapes", "panoptic", "coco", "colours"]
FORMS: tuple[Form, ...] = get_args(Form)
"""``index``: the checkpoint's indices, 255 for no label; ``ade20k``: ADE20K's own, 0 for no label and else the index
plus one; ``cityscapes``: its label ids; ``panoptic``: COCO's PNG and JSON; ``coco``: COCO's objects; ``colours``: a
colour for each class, with a file that says which."""
_TITLES: Mapping[str, str] = {
    "index": "class indices of the checkpoint",
    "ade20k": "ADE20K's labels, 0 for none",
    "cityscapes": "Cityscapes label ids",
    "panoptic": "COCO panoptic",
    "coco": "COCO objects",
    "colours": "colours of a palette file",
}

_PNG = Path("The PNG of the labels")
"""What sentences about the picture begin with."""
LISTED = 20
"""Classes that a sentence names at most."""
_PALETTE_ALONE = "This is a palette file: give the PNG whose colours it names as well."

Int16 = npt.NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class PhotoLabels:
    """The labels of a photograph in the checkpoint's terms."""

    labels: Int16
    """(H, W): class indices, ``VOID``, ``NOTHING`` or ``OTHER``."""
    form: str
    """The one of ``FORMS`` that it was read as."""
    said: str
    """What it was read as, in a line."""
    unmapped: tuple[str, ...]
    """The classes in the photograph that the checkpoint does not have, the largest first."""
    covered: frozenset[int]
    """The checkpoint's classes that the labels can name."""
    objects: Truth | None = None
    """The objects told apart, where they are."""


def read_photo_labels(
    source: bytes | Path,
    size: Size,
    labels: Mapping[int, str],
    *,
    form: str = "auto",
    table: bytes | Path | None = None,
    name: str = "",
) -> PhotoLabels:
    """Read the labels of a photograph of ``size`` (height, width) for a checkpoint with the classes ``labels``.

    ``form`` is one of ``FORMS``, or ``"auto"`` to be told by what the file holds. ``table`` is the second file where a
    form has two, in either order: the JSON of COCO panoptic, or a palette file (``colour_tables.colour_table``).
    ``name`` is the photograph's file name, by which it is found in a JSON file of many.

    Raises ``SegdemoError`` with a sentence for what cannot be read, does not fit the photograph, has none of the
    checkpoint's classes, or could be several things.
    """
    if form != "auto" and form not in FORMS:
        raise SegdemoError(f"The form {form!r} of labels is not known: choose one of {', '.join(FORMS)}.")
    try:
        return _read(read_bytes(source), size, labels, form, None if table is None else read_bytes(table), name)
    except SegdemoError as error:
        # Those who decode a picture say "it".
        raise SegdemoError(about(_PNG, error) if str(error).startswith("It ") else str(error)) from error


def _read(data: bytes, size: Size, labels: Mapping[int, str], form: str, other: bytes | None, name: str) -> PhotoLabels:
    if other is not None and (_is_png(other) or is_json(data)) and not (_is_png(data) or is_json(other)):
        data, other = other, data
    if is_json(data):
        return _objects(data, size, labels, form, name)
    if form == "coco":
        raise SegdemoError("COCO's objects come in a JSON file: give that one.")
    if other is not None and form in ("auto", "panoptic") and is_json(other):
        document = read_document(other)
        if is_panoptic(document):
            truth, names = panoptic_truth(document, data, size, name)
            return _told(truth, names, labels, "panoptic", rest=VOID)
    if form == "panoptic":
        raise SegdemoError("A COCO panoptic PNG says nothing without its JSON: give that file as well.")
    if other is not None and form in ("auto", "colours"):
        return _coloured(data, other, size, labels)
    if not _is_png(data) and names_colours(data):
        raise SegdemoError(_PALETTE_ALONE)
    return _indexed(data, size, labels, form)


def _is_png(data: bytes) -> bool:
    return data.startswith(b"\x89PNG")


def _objects(data: bytes, size: Size, labels: Mapping[int, str], form: str, name: str) -> PhotoLabels:
    document = read_document(data)
    if "images" not in document and names_colours(data):
        raise SegdemoError(_PALETTE_ALONE)
    if is_panoptic(document):
        raise SegdemoError("This is the JSON of COCO panoptic labels: give the PNG that belongs to it as well.")
    if form not in ("auto", "coco"):
        raise SegdemoError(f"This is a JSON file and not {_TITLES[form]}: give the PNG.")
    truth, names = coco_truth(document, size, name)
    covered = {index for index in class_table(names, labels) if index != VOID}
    return _told(truth, names, labels, "coco", rest=NOTHING if covered >= set(labels) else OTHER)


def _told(truth: Truth, names: Sequence[str], labels: Mapping[int, str], form: Form, *, rest: int) -> PhotoLabels:
    """Objects whose classes are still places in ``names``, negative where there is none, in the checkpoint's terms."""
    table = _table(names, labels)
    own = truth.classes
    classes = np.where(own >= 0, np.append(table, VOID)[own], rest)
    crowd = truth.crowd if truth.crowd is not None else np.zeros(len(classes), bool)
    codes = np.concatenate([[VOID], np.where(crowd, VOID, classes)]).astype(np.int16)
    areas = np.bincount(truth.segments.ravel(), minlength=len(codes))[1:]
    pixels = {index: int(areas[own == index].sum()) for index in np.unique(own[own >= 0]).tolist()}
    ids = np.where(np.concatenate([[False], classes != VOID]), np.arange(len(codes)), 0).astype(np.uint16)
    objects = Truth(ids[truth.segments], classes, truth.crowd)
    return _named(codes[truth.segments], names, table, pixels, form, objects)


def _coloured(data: bytes, other: bytes, size: Size, labels: Mapping[int, str]) -> PhotoLabels:
    colours = colour_table(other)
    names = list(dict.fromkeys(name for name, _ in colours))
    number = {red + 256 * green + 65536 * blue: names.index(name) for name, (red, green, blue) in colours}
    return _mapped(decode_png_ids(data, size=size), number, names, frozenset(), labels, "colours")


def _indexed(data: bytes, size: Size, labels: Mapping[int, str], form: str) -> PhotoLabels:
    try:
        values = decode_png_index(data, size=size)
    except SegdemoError as error:
        if "one channel" not in str(error):
            raise
        raise SegdemoError(
            "This PNG is in colours: give a palette file that says which class each one is, or, for COCO panoptic, "
            "its JSON as well."
        ) from None
    found = set(np.unique(values).tolist())
    fits = {name: _fits(name, found, labels) for name in ("index", "ade20k", "cityscapes")}
    chosen = form
    if form == "auto":
        chosen = _certain(found, fits, labels)
    elif form == "colours":
        raise SegdemoError("Colours say nothing without a palette file: give that one as well.")
    match chosen:
        case "ade20k":
            names = [entry.name for entry in ade20k().classes]
            stored, void = {index + 1: index for index in range(len(names))}, frozenset({0, IGNORE})
        case "cityscapes":
            names = list(cityscapes.CLASSES)
            stored = {value: index for index, value in enumerate(cityscapes.LABEL_IDS)}
            void = frozenset({*range(34), IGNORE}) - set(stored)
        case _:
            names = [labels.get(index, "") for index in range(max(labels) + 1)]
            stored = {index: index for index in labels}
            void = frozenset({IGNORE} if IGNORE not in labels else {65_535})
    return _mapped(values, stored, names, void, labels, chosen)


def _fits(form: str, found: set[int], labels: Mapping[int, str]) -> bool:
    if form == "index":
        return found <= {*labels, IGNORE}
    if form == "ade20k":
        return found <= {*range(len(ade20k()) + 1)}
    known = any(index != VOID for index in class_table(cityscapes.CLASSES, labels))
    return known and found <= {*range(34)}


def _certain(found: set[int], fits: Mapping[str, bool], labels: Mapping[int, str]) -> str:
    """The one form that the values can be in. Values that only one of them uses settle it."""
    fitting = [form for form, fit in fits.items() if fit]
    if IGNORE in found and fits["index"]:
        return "index"
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        odd = sorted(found - {*labels, IGNORE})
        raise SegdemoError(
            f"The labels have the values {some(odd)}, which are neither indices of the checkpoint's classes nor "
            "ADE20K's or Cityscapes' own: give labels of its classes."
        )
    said = ", or ".join(f"{_TITLES[form]} ({form})" for form in fitting)
    raise SegdemoError(f"The values of these labels fit {said}: say which they are.")


def _mapped(
    values: npt.NDArray[np.integer],
    stored: Mapping[int, int],
    names: Sequence[str],
    void: frozenset[int],
    labels: Mapping[int, str],
    form: str,
) -> PhotoLabels:
    """Values that stand for places in ``names``, or for no label, in the checkpoint's terms."""
    found, inverse, pixels = np.unique(values, return_inverse=True, return_counts=True)
    odd = [value for value in found.tolist() if value not in stored and value not in void]
    if odd and form == "colours":
        said = ", ".join(f"({value % 256}, {value // 256 % 256}, {value // 65536})" for value in odd[:3])
        raise SegdemoError(f"The labels have colours that the palette file does not name: {said}.")
    if odd:
        raise SegdemoError(f"The labels have the values {some(odd)}, which are no {_TITLES[form]}.")
    table = np.arange(len(names)) if form == "index" else _table(names, labels)
    codes = np.array([table[stored[value]] if value in stored else VOID for value in found.tolist()], np.int16)
    seen: dict[int, int] = {}
    for value, count in zip(found.tolist(), pixels.tolist(), strict=True):
        if value in stored:
            seen[stored[value]] = seen.get(stored[value], 0) + count
    return _named(codes[inverse.reshape(values.shape)], names, table, seen, form, None)


def _table(names: Sequence[str], labels: Mapping[int, str]) -> npt.NDArray[np.int64]:
    table = np.asarray(class_table(names, labels), np.int64)
    if (table == VOID).all():
        own, asked = (", ".join(list(some_names)[:6]) for some_names in (names, labels.values()))
        raise SegdemoError(f"None of the classes of the labels ({own}) is among the checkpoint's ({asked}).")
    return table


def _named(
    codes: Int16,
    names: Sequence[str],
    table: npt.NDArray[np.int64],
    pixels: Mapping[int, int],
    form: str,
    objects: Truth | None,
) -> PhotoLabels:
    lost = sorted((index for index in pixels if table[index] == VOID), key=lambda index: -pixels[index])
    mapped = len([index for index in pixels if table[index] != VOID])
    said = f"Read as {_TITLES[form]}: {_count(mapped, 'class', 'classes')} in the photo"
    covered = frozenset(int(index) for index in table if index != VOID)
    unmapped = tuple(names[index] for index in lost)
    return PhotoLabels(codes, form, f"{said}{unmapped_words(unmapped)}.", unmapped, covered, objects)


def unmapped_words(names: Sequence[str]) -> str:
    """What to say of classes that the checkpoint does not have; empty where there are none."""
    if not names:
        return ""
    listed = [*names[:LISTED], *([f"{len(names) - LISTED} more"] if len(names) > LISTED else [])]
    return f"; no label, since the checkpoint has no such class: {', '.join(listed)}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
