"""What people ask for, checked: the same options with the same defaults for the page, the command line and HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.refine.crf import RANGES
from segdemo.refine.morphology import MorphologyOptions, Operation, Shape
from segdemo.refine.pipeline import CrfOptions, RefineOptions
from segdemo.results.label_ids import label_ids
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD
from segdemo.taxonomy import Taxonomy

Task = Literal["semantic", "panoptic", "instance"]
View = Literal["classes", "confidence", "entropy"]


@dataclass(frozen=True)
class OutputOptions:
    """What is wanted of a prediction; written into the JSON beside the result."""

    task: Task = "semantic"
    score_threshold: float = SCORE_THRESHOLD
    """Least probability of a query's class, of an instance times the mean of its mask's; panoptic and instance."""
    mask_threshold: float = MASK_THRESHOLD
    """Least mask probability of a pixel that belongs to a segment; panoptic and instance."""
    overlap_threshold: float = OVERLAP_THRESHOLD
    """Least share of its own mask that a segment must win; panoptic: instances may overlap."""
    fuse_stuff: bool = True
    """One segment for each stuff class; panoptic."""
    split_components: bool = False
    """One segment for each connected part of a thing; panoptic and instance."""
    min_area: int = 0
    """Least area of a segment in pixels; panoptic and instance."""
    label_ids: bool = False
    """Whether files number the classes of Cityscapes as its benchmark does, not by their indices, its train ids."""
    opacity: float = 0.5
    """Weight of the colours in the overlay, 0 to 1."""
    outlines: bool = True
    """Whether regions are outlined in the overlay."""
    hatching: bool = False
    """Whether stuff is hatched in the overlay: a sign besides its colour."""
    view: View = "classes"
    """What the overlay's colours are: classes, the probability of the best one, or the entropy over them; semantic."""
    show_classes: tuple[int, ...] | None = None
    """The classes that the overlay shows; none means all."""
    refine: RefineOptions = field(default_factory=RefineOptions)
    """Morphology, and for semantic maps the dense CRF; nothing by default."""

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise SegdemoError(f"The task {self.task!r} is not known: choose one of {', '.join(get_args(Task))}.")
        if self.view not in get_args(View):
            raise SegdemoError(f"The view {self.view!r} is not known: choose one of {', '.join(get_args(View))}.")
        if self.view != "classes" and self.task != "semantic":
            raise SegdemoError(f"The view {self.view} is of semantic results: choose classes, or the semantic task.")
        for name in ("score_threshold", "mask_threshold", "overlap_threshold", "opacity"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise SegdemoError(f"The {name.replace('_', ' ')} is {value:g}: choose one from 0 to 1.")
        if self.min_area < 0:
            raise SegdemoError(f"The least area is {self.min_area} pixels: choose 0 or more.")
        if self.refine.crf.enabled and self.task != "semantic":
            raise SegdemoError("The CRF refines semantic maps only: switch it off, or choose the semantic task.")

    def parameters(self) -> dict[str, Any]:
        """Every option as a plain value, for a JSON file."""
        plain = {option.name: getattr(self, option.name) for option in fields(self) if option.name != "refine"}
        return {**plain, "refine": self.refine.parameters()}

    def of_the_map(self) -> "OutputOptions":
        """The same options with the defaults of those that only concern the overlay: what the map depends on."""
        plain = OutputOptions()
        look = ("opacity", "outlines", "hatching", "view", "show_classes")
        return replace(self, **{name: getattr(plain, name) for name in look})

    def scaled(self, factor: float) -> "OutputOptions":
        """The same for a picture ``factor`` times the photo's width: lengths shrink by it, areas by its square."""
        if factor == 1:
            return self
        shape, crf = self.refine.morphology, self.refine.crf
        morphology = replace(
            shape,
            size=max(1, round(shape.size * factor)) | 1,
            smallest_region=round(shape.smallest_region * factor**2),
            largest_hole=round(shape.largest_hole * factor**2),
        )
        crf = replace(
            crf,
            gaussian_sxy=max(RANGES["gaussian_sxy"][0], crf.gaussian_sxy * factor),
            bilateral_sxy=max(RANGES["bilateral_sxy"][0], crf.bilateral_sxy * factor),
        )
        return replace(
            self, min_area=round(self.min_area * factor**2), refine=RefineOptions(crf=crf, morphology=morphology)
        )


def usual_task(checkpoint: Checkpoint) -> Task:
    """What is wanted of a checkpoint where nobody says: instances of one that learned those alone, else classes."""
    return "instance" if checkpoint.kind == "instance" else "semantic"


CHOICES: dict[str, tuple[str, ...]] = {
    "task": get_args(Task),
    "view": get_args(View),
    "morphology": get_args(Operation),
    "kernel_shape": get_args(Shape),
}
"""The options that are one of a few words."""
LARGEST_NUMBER = 1e9
"""No option is as large."""

_MORPHOLOGY = {
    "morphology": "operation",
    "kernel_size": "size",
    "kernel_shape": "shape",
    "smallest_region": "smallest_region",
    "largest_hole": "largest_hole",
}
_CRF = {"crf": "enabled"} | {field.name: field.name for field in fields(CrfOptions) if field.name != "enabled"}
_PLAIN = [field.name for field in fields(OutputOptions) if field.name not in ("refine", "show_classes")]
_REAL = {field.name for field in fields(CrfOptions) if field.name not in ("enabled", "iterations")}


def flat_defaults() -> dict[str, Any]:
    """Return every option by its flat name, with its default."""
    plain, morphology, crf = OutputOptions(), MorphologyOptions(), CrfOptions()
    return {
        **{name: getattr(plain, name) for name in _PLAIN},
        **{name: getattr(morphology, field) for name, field in _MORPHOLOGY.items()},
        "show_classes": "",
        "refine_classes": "",
        **{name: getattr(crf, field) for name, field in _CRF.items()},
    }


def is_whole(name: str) -> bool:
    """Whether an option is a whole number."""
    default = flat_defaults()[name]
    return isinstance(default, int) and not isinstance(default, bool) and name not in _REAL


def options_from(values: Mapping[str, Any], taxonomy: Taxonomy) -> OutputOptions:
    """Return the options for flat ``values`` as they came from outside; what is left out or none takes its default.

    ``refine_classes`` and ``show_classes`` are each a list of class names or indices between commas, empty for all, and
    the latter ``none`` for no class. Values under other names than
    those of ``flat_defaults`` are left aside. Raises ``SegdemoError`` with a sentence that names the option for values
    of the wrong kind or out of range, and for classes that the checkpoint does not have.
    """
    given = {name: _checked(name, values.get(name), default) for name, default in flat_defaults().items()}
    refined, shown = (given[name].strip() for name in ("refine_classes", "show_classes"))
    morphology = MorphologyOptions(
        classes=_classes("refine_classes", refined, taxonomy) if refined else None,
        **{field: given[name] for name, field in _MORPHOLOGY.items()},
    )
    crf = CrfOptions(**{field: given[name] for name, field in _CRF.items()})
    plain = {name: given[name] for name in _PLAIN}
    show = () if shown == "none" else _classes("show_classes", shown, taxonomy) if shown else None
    if plain["label_ids"]:
        label_ids(taxonomy)
    return OutputOptions(**plain, show_classes=show, refine=RefineOptions(crf=crf, morphology=morphology))


def _checked(name: str, value: Any, default: Any) -> Any:
    """A value of the kind that its option has, or the default for none."""
    if value is None:
        return default
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise SegdemoError(f"{name} is {_shown(value)}: choose one of {', '.join(CHOICES[name])}.")
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise SegdemoError(f"{name} is {_shown(value)}: give true or false.")
    elif isinstance(default, str):
        if not isinstance(value, str):
            raise SegdemoError(f"{name} is {_shown(value)}: give a text.")
    else:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST_NUMBER:
            raise SegdemoError(f"{name} is {_shown(value)}: give a number.")
        if is_whole(name):
            if value != int(value):
                raise SegdemoError(f"{name} is {_shown(value)}: give a whole number.")
            return int(value)
    return value


def _shown(value: Any) -> str:
    """A stranger's value in a sentence, cut short."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _classes(name: str, text: str, taxonomy: Taxonomy) -> tuple[int, ...]:
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(taxonomy[int(word)].index if word.isdecimal() else taxonomy.find(word).index)
        except (KeyError, ValueError):
            raise SegdemoError(
                f"{name}: this checkpoint has no class {_shown(word)}: give its names or indices."
            ) from None
    return tuple(found)
