"""What lies beside the graphs: the checkpoint's configuration and its image processor's settings."""

import json
from pathlib import Path

from segdemo.checkpoint_files import read_json
from segdemo.checkpoints import Checkpoint
from segdemo.model.families import Inputs
from segdemo.model.preprocessing import Preprocessing


def write_configuration(checkpoint: Checkpoint, folder: Path, whole: Path, preprocessing: Inputs) -> None:
    """The checkpoint's configuration, with what the catalogue knows of it, and its processor's settings.

    These say their sizes also where the checkpoint leaves them to the processor of its family, which those who run
    the graph elsewhere do not have.
    """
    config = read_json(folder / "config.json")
    known = {
        "segdemo_title": checkpoint.title,
        "segdemo_kind": checkpoint.kind,
        "segdemo_note": checkpoint.note,
        "segdemo_terms": checkpoint.terms,
        "segdemo_least_score": checkpoint.least_score or None,
        "segdemo_stuff": None if checkpoint.stuff is None else sorted(checkpoint.stuff),
        "segdemo_known_classes": None if checkpoint.known_classes is None else list(checkpoint.known_classes),
    }
    config = {**config, **{name: value for name, value in known.items() if value not in (None, "")}}
    config.pop("_name_or_path", None)
    (whole / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    file = folder / "preprocessor_config.json"
    settings = read_json(file) if file.exists() else {}
    if isinstance(preprocessing, Preprocessing) and preprocessing.do_resize:
        settings.setdefault("size_divisor", preprocessing.size_divisor)
        if not isinstance(settings.get("size"), dict):
            settings["size"] = preprocessing.size
    (whole / "preprocessor_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
