"""The pictures of a report: those with the lowest accuracy, and regions whose label may be wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from segdemo.colors import Color
from segdemo.evaluation.html import heading, key, number, percent, table, text
from segdemo.evaluation.legend import CAUSE_COLORS, CAUSE_WORDS, KIND_COLORS, KIND_WORDS

WORST = 24
"""Pictures that are shown, at most: it bounds the file, at some 50 kB each."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """A picture that may be shown."""

    name: str
    json: Json
    """Its figures."""
    pictures: Sequence[str]
    """Photograph as base64 of a JPEG, kinds of errors and causes of PNGs; empty where there is none."""
    number: int
    """Its place."""

    @property
    def order(self) -> tuple[float, int]:
        """What is worse comes first."""
        return (self.json["pixel_accuracy"] or 0.0, self.number)


def worst_pictures(worst: Sequence[Shown], of: Json) -> str:
    """The pictures with the lowest accuracy, each with its maps and the reason in words."""
    if not worst:
        return ""
    kinds = _legend((KIND_WORDS[kind], color) for kind, color in KIND_COLORS.items())
    causes = _legend((CAUSE_WORDS[cause], color) for cause, color in CAUSE_COLORS.items())
    shown = []
    for entry in worst:
        pictures = [
            f'<img alt="{words} of {text(entry.name)}" src="data:image/{kind};base64,{escape(data)}">'
            for words, kind, data in zip(
                ("photograph", "errors", "causes"), ("jpeg", "png", "png"), entry.pictures, strict=True
            )
            if data
        ]
        title = (
            f"{text(entry.name)}: accuracy {percent(entry.json['pixel_accuracy'])}, mIoU {percent(entry.json['miou'])}"
        )
        title += _labelled(entry.json)
        shown.append(f'<div class="worst"><h3>{title}</h3>{" ".join(pictures)}<p>{_reason(entry.json)}</p></div>')
    legend = f'<p class="keys">Errors: {kinds}</p>'
    if of["causes"] is not None:
        legend += f'<p class="keys">Causes: {causes}</p>'
    said = f"The {len(worst)} with the lowest pixel accuracy: photograph, errors, causes."
    return heading("The worst pictures first", said) + legend + "".join(shown)


def _labelled(of: Json) -> str:
    """How much of a picture counts, where that is not nearly all of it."""
    share = of["labelled_pixels"] / max(1, of["labelled_pixels"] + of["ignored_pixels"])
    return f", {percent(share)} of it labelled" if share < 0.9 else ""


def _legend(entries: Iterable[tuple[str, Color]]) -> str:
    return " ".join(f"<span>{key(color)}{escape(words)}</span>" for words, color in entries)


def _reason(of: Json) -> str:
    """What is mistaken for what most, and the commonest cause, in words."""
    names = {entry["id"]: entry["label"] for entry in of["confusion"]["classes"]}
    wrong = sorted(((n, t, p) for t, p, n in of["confusion"]["cells"] if t != p), reverse=True)[:3]
    total = of["wrong_pixels"] or 1
    said = "; ".join(
        f"{names[true]} taken for {names[found]} {percent(pixels / total)}" for pixels, true, found in wrong
    )
    if of["causes"] and of["wrong_pixels"]:
        most = max(of["causes"], key=lambda entry: entry["pixels"])
        said += f". Most: {CAUSE_WORDS[most['cause']]} ({percent(most['share'])})."
    return text(said, 600)


def label_suspects(suspects: Sequence[tuple[float, str, Json]]) -> str:
    """A table of the regions, the weightiest first."""
    if not suspects:
        return ""
    rows = [
        [
            text(name),
            text(found["labelled_label"]),
            text(found["predicted_label"]),
            percent(found["confidence"]),
            percent(found["label_probability"]),
            number(found["area"]),
            ", ".join(map(str, found["bbox"])),
        ]
        for _, name, found in suspects
    ]
    head = ("picture", "labelled", "predicted", "sure", "label probable", "pixels", "box x, y, w, h")
    said = "Regions where the network is sure and the label improbable: the label may be wrong."
    return heading("Label suspects", said) + table(head, rows)
