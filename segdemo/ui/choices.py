"""The checkpoints that visitors may choose, under names that tell nothing about the machine."""

import sys
from collections.abc import Iterable
from typing import get_args

from segdemo import checkpoints
from segdemo.checkpoints import Checkpoint, public_id
from segdemo.errors import HostError, SegdemoError
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.settings import Precision, settings

_ENGINES = "segdemo.model.engines"
PRECISIONS: tuple[str, ...] = get_args(Precision)


def by_public_id(entries: Iterable[Checkpoint]) -> dict[str, Checkpoint]:
    """The checkpoints by the names that strangers see: hub ids, and of folders the last part alone.

    Folders of one name are numbered: ``mine``, ``mine-2``.
    """
    found: dict[str, Checkpoint] = {}
    for entry in entries:
        plain = name = public_id(entry.id)
        number = 1
        while name in found and found[name].id != entry.id:
            number += 1
            name = f"{plain}-{number}"
        found[name] = entry
    return found


def load(entry: Checkpoint, precision: str = "auto") -> Predictor:
    """The predictor of a checkpoint; what its errors say names no folder."""
    try:
        return load_predictor(entry.id, precision=precision)
    except SegdemoError as error:
        sentence = str(error)
        for text in (str(entry.path), entry.id):
            sentence = sentence.replace(text, public_id(text))
        raise SegdemoError(sentence) from error


def offered_precisions(entry: Checkpoint) -> list[str]:
    """The precisions in which visitors can have a checkpoint; all of them where its files do not say.

    All of them, too, for pages that are opened before the network's room is there, which nobody waits for: one that
    cannot be had is then refused with a sentence.
    """
    if entry.path is None or _ENGINES not in sys.modules:
        return list(PRECISIONS)
    from segdemo.model.engines import possible_precisions

    try:
        return ["auto", *possible_precisions(entry.path)]
    except SegdemoError:
        return list(PRECISIONS)


def check_extra_checkpoints() -> None:
    """Raise ``HostError`` for the first of the host's extra checkpoints that is not there or cannot be read."""
    for number, name in enumerate(settings().extra_checkpoints, 1):
        try:
            checkpoints.find(name)
        except SegdemoError as error:
            raise HostError(f"SEGDEMO_EXTRA_CHECKPOINTS, entry {number}: {error}") from None
        except Exception as error:
            raise HostError(
                f"SEGDEMO_EXTRA_CHECKPOINTS, entry {number}: {name} cannot be read ({type(error).__name__}: {error})."
            ) from None
