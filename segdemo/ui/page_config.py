"""What the page knows before any photo: checkpoints, examples, limits."""

from segdemo import examples
from segdemo.checkpoints import Checkpoint
from segdemo.packing import data_url
from segdemo.results.options import flat_defaults
from segdemo.settings import settings
from segdemo.ui.batches.functions import batch_limits
from segdemo.ui.choices import by_public_id, offered_precisions
from segdemo.ui.first import first_result
from segdemo.ui.jobs import Answer

HINT = (
    "On your own machine: python app.py --checkpoint facebook/mask2former-swin-large-ade-semantic --download "
    "(about 0.9 GB). On a server: the README says how to preload it."
)


def page_config(checkpoints: list[Checkpoint], chosen: str) -> Answer:
    """What the page knows before any photo: checkpoints, examples, limits."""
    from segdemo.checkpoints import EMBEDDED_ID, about, labels

    entries = []
    for public, entry in by_public_id(checkpoints).items():
        names = labels(entry.path) if entry.path is not None else {}
        known = (
            None if entry.known_classes is None else sorted(names[index].split(",")[0] for index in entry.known_classes)
        )
        entries.append(
            {
                "id": public,
                "title": entry.title,
                "kind": entry.kind,
                "note": " ".join(part for part in (entry.description, entry.note) if part),
                "known": known,
                "classes": len(names),
                "tasks": list(entry.tasks),
                "task": entry.default_task,
                "precisions": offered_precisions(entry),
                "about": about(entry),
                "hint": HINT if entry.id == EMBEDDED_ID else "",
            }
        )
    return {
        "checkpoint": chosen,
        "checkpoints": entries,
        "keptMinutes": round(settings().store_seconds / 60),
        "options": flat_defaults(),
        "limits": {"bytes": settings().max_file_bytes, "pixels": settings().max_pixels},
        "batch": batch_limits(),
        "first": first_result(),
        "examples": [
            {
                "id": example.id,
                "title": example.title,
                "description": example.description,
                "drawn": example.drawn,
                "thumbnail": data_url(example.small(), "image/jpeg"),
            }
            for example in examples.offered()
        ],
    }
