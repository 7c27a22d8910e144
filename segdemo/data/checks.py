"""What can be wrong with labelled data, found before it is used, each fault with its file."""

from collections.abc import Callable, Mapping

from segdemo.data.dataset import Dataset
from segdemo.data.recognise import open_source
from segdemo.data.source import SourceConfig
from segdemo.errors import SegdemoError

SHOWN = 20
"""Faults listed in the error; the number of the others follows."""


def check_source(source: SourceConfig, labels: Mapping[int, str]) -> list[str]:
    """Return one sentence for every fault of a source, naming the file: an empty list means it can be used."""
    try:
        return check(Dataset(open_source(source), source, labels))
    except SegdemoError as error:
        return [str(error)]


def check(data: Dataset, progress: Callable[[int, int], None] | None = None) -> list[str]:
    """Return one sentence for every fault of a data set, naming the file."""
    if not len(data):
        where = data.listing.picture_list or data.listing.where
        asked = data.source.model_copy(update={"split": data.source.split or data.listing.split}).asked
        # Where none are listed at all, what is wrong with the list says it.
        none = bool(data.listing.pictures) or not data.listing.faults
        return [*data.listing.faults, *([f"{where} has no pictures{asked}."] if none else [])]
    faults = data.survey(progress).faults
    if not faults and not any(data.areas()) and (data.source.partial or not data.listing.knows_rest):
        where = data.listing.picture_list or data.listing.where
        instead = _shown(data)
        return [
            f"{where} has no pixel that is labelled with a class asked for{instead}: there is nothing to compare with."
        ]
    return faults


def _shown(data: Dataset) -> str:
    """Which classes are labelled instead of those asked for, and where they are named, as a sentence goes on."""
    seen = sorted({index for own in data.survey().areas for index in own})
    if not seen or not data.listing.classes:
        return ""
    names = [f"{data.listing.classes[index].name:.60}" for index in seen]
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f", but with {shown} of {data.listing.class_list or data.listing.where}"


def refuse(faults: Mapping[str, list[str]], what: str) -> None:
    """Raise ``SegdemoError`` listing the faults of all sources after ``what``, if there are any: each once."""
    first: dict[str, str] = {}
    for name, own in faults.items():
        for fault in own:
            first.setdefault(fault, name)
    listed = [f"{name}: {fault}" if len(faults) > 1 else fault for fault, name in first.items()]
    if listed:
        more = f"\n... and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        raise SegdemoError(f"{what}:\n" + "\n".join(listed[:SHOWN]) + more)
