"""The output options as one flat list of names, as a command line or a call over HTTP gives them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.refine.morphology import MorphologyOptions
from segdemo.refine.pipeline import CrfOptions, RefineOptions
from segdemo.results.outputs import OutputOptions
from segdemo.taxonomy import Taxonomy

_MORPHOLOGY = {
    "morphology": "operation",
    "kernel_size": "size",
    "kernel_shape": "shape",
    "smallest_region": "smallest_region",
    "largest_hole": "largest_hole",
}
_CRF = {"crf": "enabled"} | {field.name: field.name for field in fields(CrfOptions) if field.name != "enabled"}
_PLAIN = [field.name for field in fields(OutputOptions) if field.name != "refine"]


def flat_defaults() -> dict[str, Any]:
    """Return every option by its flat name, with its default."""
    plain, morphology, crf = OutputOptions(), MorphologyOptions(), CrfOptions()
    return {
        **{name: getattr(plain, name) for name in _PLAIN},
        **{name: getattr(morphology, field) for name, field in _MORPHOLOGY.items()},
        "refine_classes": "",
        **{name: getattr(crf, field) for name, field in _CRF.items()},
    }


def options_from(values: Mapping[str, Any], taxonomy: Taxonomy) -> OutputOptions:
    """Return the options for flat ``values``, which must name each of ``flat_defaults``; others are left aside.

    ``refine_classes`` is a list of class names or indices between commas, empty for all. Raises ``SegdemoError`` for
    values out of range and for classes that the checkpoint does not have.
    """
    wanted = str(values["refine_classes"]).strip()
    morphology = MorphologyOptions(
        classes=_classes(wanted, taxonomy) if wanted else None,
        **{field: values[name] for name, field in _MORPHOLOGY.items()},
    )
    crf = CrfOptions(**{field: values[name] for name, field in _CRF.items()})
    plain = {name: values[name] for name in _PLAIN}
    return OutputOptions(**plain, refine=RefineOptions(crf=crf, morphology=morphology))


def _classes(text: str, taxonomy: Taxonomy) -> tuple[int, ...]:
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(taxonomy[int(word)].index if word.isdecimal() else taxonomy.find(word).index)
        except KeyError:
            raise SegdemoError(f"This checkpoint has no class {word!r}: give its classes' names or indices.") from None
    return tuple(found)
