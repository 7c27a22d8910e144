"""The catalogue: what each checkpoint is, can do and costs; where its weights are; the embedded default."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from segdemo.catalogue import CLASSES, FAMILIES, MODEL_CARD, OFFERS, PUBLISHED, TERMS, Kind, Published, quality_sentence
from segdemo.checkpoint_files import ConfigFile, described
from segdemo.errors import SegdemoError
from segdemo.pickled import readable
from segdemo.settings import ASSETS, settings
from segdemo.weight_files import check_weights, require_weight_files, weight_files

KINDS: tuple[Kind, ...] = get_args(Kind)
TOLD: dict[str, tuple[Kind, ...]] = {"oneformer": ("semantic", "instance", "panoptic")}
"""By ``model_type``: the tasks that a network can be told."""
SEED_ID = "facebook/mask2former-swin-large-ade-semantic"
EMBEDDED_ID = "embedded"
EMBEDDED_FOLDER = ASSETS / "checkpoint"
EMBEDDED_SWIN_ID = "embedded-swin"
EMBEDDED_SWIN_FOLDER = ASSETS / "checkpoint-swin"
CONFIG_FILES = ["config.json", "preprocessor_config.json"]
TOKENIZER_FILES = [
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
]
"""Those of the tokenizer that a OneFormer repository carries."""


@dataclass(frozen=True)
class Checkpoint:
    """What a person needs to know to choose a checkpoint."""

    id: str
    """Hub id, absolute folder, ``"embedded"`` or ``"embedded-swin"``."""
    title: str
    kind: Kind
    """What it was trained to separate: classes, everything, or objects."""
    description: str
    parameters: int | None = None
    """Number of weights, where known."""
    known_classes: tuple[int, ...] | None = None
    """Class indices it was trained on; none means all of its labels."""
    stuff: frozenset[int] | None = None
    """Indices of its stuff classes, where it says so; none where their names must do."""
    least_score: float = 0.0
    """The score below which a pixel's best class is none, for one that learned that pixels may be of no class."""
    note: str = ""
    """One sentence about what to expect, shown beside the results."""
    offers: str = ""
    """One sentence about what can be looked at."""
    terms: str = ""
    """The terms its weights come under."""
    tasks: tuple[Kind, ...] = ()
    """What its network can be told to separate before it looks; empty where it is told nothing."""
    path: Path | None = None
    """Where the weights are, in whatever form; none where they are not on this machine."""

    @property
    def default_task(self) -> Kind | None:
        """The task that its network is told where nobody says: its kind; none where it is told none."""
        return self.kind if self.kind in self.tasks else next(iter(self.tasks), None)


def _published(entry: Published) -> Checkpoint:
    return Checkpoint(
        id=entry.id,
        title=entry.title,
        kind=entry.kind,
        description=f"{entry.title}: {CLASSES[entry.data]}.",
        parameters=entry.millions * 1_000_000,
        note=quality_sentence(entry),
        offers=OFFERS[entry.family],
        terms=TERMS.get(entry.family, MODEL_CARD),
    )


CATALOGUE: tuple[Checkpoint, ...] = tuple(map(_published, PUBLISHED))
"""Published checkpoints this demo knows by name; others run by hub id or folder as well."""

EMBEDDED: tuple[Checkpoint, ...] = (
    Checkpoint(
        id=EMBEDDED_ID,
        title="Embedded Mask2Former, EfficientNet",
        kind="panoptic",
        description="A small Mask2Former that comes with this demo, its backbone trained on ImageNet before.",
        terms="See WEIGHTS_TERMS and README in assets/checkpoint.",
    ),
    Checkpoint(
        id=EMBEDDED_SWIN_ID,
        title="Embedded Mask2Former, Swin",
        kind="panoptic",
        description="A small Mask2Former that comes with this demo, trained from scratch: for comparison.",
        terms="See WEIGHTS_TERMS and README in assets/checkpoint-swin.",
    ),
)
"""What comes with the demo."""


def public_id(name: str) -> str:
    """A checkpoint's id as strangers may see it: a hub id as it is, of a folder on this machine its name alone."""
    return Path(name).name if Path(name).is_absolute() else name


def millions(parameters: int) -> str:
    """A number of weights in millions, as people read it: 215, 6.0, 0.4."""
    return f"{parameters / 1e6:.{0 if parameters >= 10e6 else 1}f}"


def about(entry: Checkpoint) -> str:
    """What else there is to know of a checkpoint: its size, what it offers, its terms."""
    size = "" if entry.parameters is None else f"{millions(entry.parameters)} million parameters."
    terms = entry.terms and f"Terms: {entry.terms}"
    return " ".join(part for part in (size, entry.offers, terms) if part)


def _embedded() -> dict[str, Path]:
    return {EMBEDDED_ID: EMBEDDED_FOLDER, EMBEDDED_SWIN_ID: EMBEDDED_SWIN_FOLDER}


def default_checkpoint() -> Checkpoint:
    """Return the checkpoint to run when nobody chose one.

    ``SEGDEMO_CHECKPOINT`` where it is set; else the seed checkpoint where its weights are on disk; else the embedded
    one. Raises ``SegdemoError`` where the one that was set is not on disk or nothing is.
    """
    chosen = settings().checkpoint
    if chosen:
        return find(chosen)
    if _cached(SEED_ID) is not None:
        return find(SEED_ID)
    return find(EMBEDDED_ID)


def available_checkpoints() -> list[Checkpoint]:
    """Return the checkpoints whose weights are on this machine, the default one first: what visitors may choose.

    Those with pickled weights are among them where the host named them, or they are what runs by default.
    """
    named = [settings().checkpoint or SEED_ID, *settings().extra_checkpoints]
    found: dict[str, Checkpoint] = {}
    for name in [named[0], SEED_ID, EMBEDDED_ID, EMBEDDED_SWIN_ID, *(entry.id for entry in CATALOGUE), *named[1:]]:
        try:
            entry = find(name)
        except SegdemoError:
            continue
        if name in named or _safe(entry):
            found.setdefault(entry.id, entry)
    return list(found.values())


def _safe(entry: Checkpoint) -> bool:
    weights = weight_files(entry.path) if entry.path is not None else None
    return weights is not None and weights.form == "safetensors"


def find(name: str | Path) -> Checkpoint:
    """Return what is known about a checkpoint on disk; raises ``SegdemoError`` where it is not there."""
    folder = _source(name)
    config = described(folder)
    known = next((entry for entry in CATALOGUE if entry.id == str(name)), None)
    if known is not None:
        entry = known
    elif folder in _embedded().values():
        entry = next(entry for entry in EMBEDDED if _embedded()[entry.id] == folder)
    else:
        label = str(name) if is_hub_id(str(name)) and not Path(name).is_dir() else str(folder)
        entry = Checkpoint(
            id=label,
            title=config.segdemo_title or Path(label).name,
            kind="semantic",
            description=_folders_description(config),
            offers=OFFERS.get(FAMILIES.get(config.model_type or "", ""), ""),
        )
    classes = config.segdemo_known_classes
    counted = check_weights(require_weight_files(folder))
    return replace(
        entry,
        kind=_kind(config, str(name), entry.kind),
        parameters=entry.parameters or counted,
        known_classes=tuple(classes) if classes is not None else entry.known_classes,
        stuff=frozenset(config.segdemo_stuff) if config.segdemo_stuff is not None else None,
        least_score=config.segdemo_least_score or 0.0,
        note=config.segdemo_note or entry.note,
        terms=config.segdemo_terms or entry.terms,
        tasks=TOLD.get(config.model_type or "", ()),
        path=folder,
    )


def _folders_description(config: ConfigFile) -> str:
    """What a folder nobody described holds."""
    family = FAMILIES.get(config.model_type or "")
    what = "A" if family is None else f"{'An' if family[0] in 'AEI' else 'A'} {family}"
    return f"{what} checkpoint with {len(config.labels())} classes."


def resolve(name: str | Path) -> Path:
    """Return a folder with a checkpoint's weights as safetensors, for an embedded id, a folder, or a hub id on disk.

    Pickled weights are converted first, once, so this is only for names from the host or the person. Raises
    ``SegdemoError`` with what to do where the checkpoint is not on this machine, or its pickles hold anything else.
    """
    return readable(_source(name))


def _source(name: str | Path) -> Path:
    """Return the folder where a checkpoint's weights are, in whatever form."""
    text = str(name)
    embedded = _embedded()
    if text in embedded:
        check_folder(embedded[text], f"The {text} checkpoint")
        return embedded[text]
    folder = _folder(name)
    if folder is not None:
        check_folder(folder, f"The folder {folder}")
        return next((own for own in embedded.values() if own.resolve() == folder.resolve()), folder.resolve())
    cached = _cached(text) if is_hub_id(text) else None
    if cached is not None:
        return cached
    if is_hub_id(text):
        raise SegdemoError(
            f"The weights of {text} are not on this machine: fetch them with `hf download {text}`, or start with "
            f"SEGDEMO_ALLOW_DOWNLOAD=1."
        )
    shown = text if len(text) <= 200 else f"{text[:200]}..."
    raise SegdemoError(f"There is no checkpoint {shown!r}: give a hub id such as {SEED_ID}, or a folder.")


def labels(folder: Path) -> dict[int, str]:
    """Return a checkpoint folder's class index to label table; published ones have white space around some labels."""
    return described(folder).labels()


def _kind(config: ConfigFile, name: str, default: Kind) -> Kind:
    """Read the kind from the checkpoint, else from its name: the library's configuration does not say it."""
    for text in (config.segdemo_kind or "", name, config.name_or_path or ""):
        tail = text.rstrip("/").rpartition("/")[2].lower()
        for kind in ("panoptic", "instance", "semantic"):
            if kind in tail:
                return kind  # type: ignore[return-value]
    return default


def check_folder(folder: Path, who: str) -> None:
    """Raise ``SegdemoError``, a sentence about ``who``, unless a folder has a configuration and all of its weights."""
    if not (folder / "config.json").is_file():
        raise SegdemoError(f"{who} holds no config.json: it is not a checkpoint in from_pretrained form.")
    require_weight_files(folder)


def is_hub_id(name: str) -> bool:
    """Whether a text has the form of a hub id, OWNER/NAME (as ``huggingface_hub`` checks it)."""
    word = r"[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?"
    formed = re.fullmatch(f"{word}/{word}", name) is not None
    return formed and len(name) <= 96 and not re.search(r"--|\.\.|\.git$", name)


def _folder(name: str | Path) -> Path | None:
    """The folder of that name; none where there is none, also for names that no folder can have."""
    try:
        folder = Path(name).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _cached(name: str) -> Path | None:
    """Return the newest complete snapshot of a hub checkpoint in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name, "config.json")
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    return folder if weight_files(folder) is not None else None
