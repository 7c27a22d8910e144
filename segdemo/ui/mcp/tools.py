"""The tools: what each is for, what it takes, and what it answers, in words a language model can use."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segdemo.checkpoints import KINDS, Checkpoint
from segdemo.data.photo_labels import FORMS
from segdemo.errors import SegdemoError
from segdemo.images import encode_jpeg
from segdemo.results.explained import CLASSES, MOST, QUERIES
from segdemo.results.job import Job
from segdemo.results.options import CHOICES, flat_defaults
from segdemo.results.said import figures_said, pixel_said, segments_said
from segdemo.settings import settings
from segdemo.ui.calls import LARGEST_SIZE, Work
from segdemo.ui.endpoint_evaluate import TASKS

PICTURE_SIDE = 512
"""Longer side of a picture in an answer, in pixels."""
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}")
"""Base64 without ``data:`` before it; paths of uploads are no such text, and shorter ones are no picture."""
FILES = ("image", "labels", "table")

Address = Callable[[str], str]
"""From the path of a file of an answer to the address that a client can fetch it from."""
Schema = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """An answer: a sentence and the numbers behind it, and a JPEG where one was asked for."""

    facts: Mapping[str, Any]
    picture: bytes | None = None

    @property
    def sentence(self) -> str:
        """What there is to say, in short."""
        return str(self.facts["sentence"])


@dataclass(frozen=True)
class Tool:
    """One call as a tool."""

    name: str
    title: str
    description: str
    options: Mapping[str, Schema]
    required: tuple[str, ...]
    work: Work
    say: Callable[[Any, Mapping[str, Any], Address], Said]
    """From the call's answer and the options to what is said of it."""

    @property
    def schema(self) -> Schema:
        """JSON Schema of the options."""
        return {
            "type": "object",
            "properties": dict(self.options),
            "required": list(self.required),
            "additionalProperties": False,
        }

    def answer(self, job: Job, given: Mapping[str, Any], address: Address) -> Said:
        """Do what the call does. Raises ``SegdemoError`` as it does, and for options that the tool does not have."""
        for name in given:
            if name not in self.options:
                raise SegdemoError(f"{name[:40]} is no option of {self.name}: it has {', '.join(self.options)}.")
        values = {name: _sent(value) if name in FILES else value for name, value in given.items()}
        return self.say(self.work(job, values), values, address)


def tools(works: Mapping[str, Work], choices: Mapping[str, Checkpoint]) -> dict[str, Tool]:
    """The tools of calls, by name; the first of ``choices`` is the checkpoint that runs by default."""
    makers = {"segment": _segment, "explain": _explain, "evaluate": _evaluate, "report": _report}
    return {name: make(works, choices) for name, make in makers.items() if name in works}


def _segment(works: Mapping[str, Work], choices: Mapping[str, Checkpoint]) -> Tool:
    def say(answer: Any, given: Mapping[str, Any], address: Address) -> Said:
        id_map, document, overlay = answer
        facts = {**segments_said(document), "files": {"id_map": address(id_map), "overlay": address(overlay)}}
        return Said(facts, _small(Path(overlay)) if given.get("picture") is True else None)

    numbers = ("score_threshold", "mask_threshold", "overlap_threshold")
    return Tool(
        "segment",
        "What is in a photo",
        "Find out what a photo shows: every pixel gets a class. Answers with a sentence, the classes with the share "
        "of the photo that each covers and how sure the network is of it, and addresses of the id map (PNG) and of "
        "the colours over the photo (JPEG). Task semantic names classes; panoptic also tells objects apart, with a "
        "box and a score for each; instance finds countable things alone.",
        {
            "image": _file("The photo"),
            "task": _words(CHOICES["task"], "What to separate: classes, classes and objects, or objects alone."),
            "picture": {
                "type": "boolean",
                "default": False,
                "description": f"Whether to send the colours over the photo as a picture, too ({PICTURE_SIDE} pixels).",
            },
            **{
                name: {"type": "number", "minimum": 0, "maximum": 1, "default": flat_defaults()[name]}
                for name in numbers
            },
            "min_area": {"type": "integer", "minimum": 0, "default": 0, "description": "Least pixels of a segment."},
            **_network(choices),
        },
        ("image",),
        works["segment"],
        say,
    )


def _explain(works: Mapping[str, Work], choices: Mapping[str, Checkpoint]) -> Tool:
    def say(answer: Any, _: Mapping[str, Any], __: Address) -> Said:
        return Said(pixel_said(answer))

    return Tool(
        "explain",
        "Why a pixel is what it is",
        "Find out why the network gives one pixel of a photo its class. Answers with a sentence, the most probable "
        "classes, the queries (the network's candidates for a region) that voted for each with their shares, where "
        "they looked, and after which decoder layer the pixel became what it is.",
        {
            "image": _file("The photo"),
            **_pixel("of the pixel, by default its middle"),
            "classes": _count(CLASSES, "Classes to tell of."),
            "queries": _count(QUERIES, "Queries to tell of."),
            "task": _words(KINDS, "For networks that are told a task: which."),
            **_network(choices),
        },
        ("image",),
        works["explain"],
        say,
    )


def _evaluate(works: Mapping[str, Work], choices: Mapping[str, Checkpoint]) -> Tool:
    def say(answer: Any, _: Mapping[str, Any], address: Address) -> Said:
        figures, errors = answer
        return Said({**figures_said(figures), "files": {"error_map": address(errors)}})

    return Tool(
        "evaluate",
        "Whether a result is right",
        "Compare the network's result for a photo with its true labels. Answers with a sentence, pixel accuracy, mean "
        "IoU, boundary F-score, calibration error, kinds and causes of the errors, the worst classes, and the address "
        "of the map of errors (PNG).",
        {
            "image": _file("The photo"),
            **_labels(),
            "task": _words(TASKS, "What is judged."),
            **_network(choices),
        },
        ("image", "labels"),
        works["evaluate"],
        say,
    )


def _report(works: Mapping[str, Work], choices: Mapping[str, Checkpoint]) -> Tool:
    def say(answer: Any, _: Mapping[str, Any], address: Address) -> Said:
        size = Path(answer).stat().st_size
        minutes = round(settings().temp_seconds / 60)
        sentence = (
            f"The report is ready: one HTML file of {size / 1e6:.1f} MB that opens in any browser and fetches nothing. "
            f"It can be fetched from {address(answer)} for {minutes} minutes."
        )
        return Said({"sentence": sentence, "bytes": size, "files": {"report": address(answer)}})

    return Tool(
        "report",
        "A report to pass on",
        "Make one HTML file about a photo for people: the photo with its classes and segments, how the answer grew "
        "over the decoder's layers, where queries looked, why one pixel is what it is, the measures where labels are "
        "sent, settings and terms. Answers with the address to fetch it from.",
        {
            "image": _file("The photo"),
            "title": {"type": "string", "description": "The report's title."},
            "note": {"type": "string", "description": "A note to its readers; empty lines part paragraphs."},
            **_pixel("of a pixel to explain"),
            **_labels(),
            "task": _words(CHOICES["task"], "What is shown first."),
            **_network(choices),
        },
        ("image",),
        works["report"],
        say,
    )


def _labels() -> dict[str, Schema]:
    return {
        "labels": _file(
            "Its labels (an index PNG of the checkpoint's classes, a PNG of ADE20K's or Cityscapes', COCO's JSON, "
            "COCO panoptic's PNG, or a colour PNG)"
        ),
        "table": _file("The second file where the labels have two (COCO panoptic's JSON, or the palette)"),
        "form": _words(("auto", *FORMS), "What the labels are."),
        "file_name": {
            "type": "string",
            "description": "The photo's file name, by which a JSON file of many pictures knows it.",
        },
    }


def _pixel(what: str) -> dict[str, Schema]:
    return {
        name: {"type": "integer", "minimum": 0, "description": f"{place} {what}, in pixels of the photo."}
        for name, place in (("x", "Column from the left"), ("y", "Row from the top"))
    }


def _file(what: str) -> Schema:
    how = "in base64 (a data URL or bare), or the path that an upload to /gradio_api/upload answered"
    if settings().allow_urls:
        how += ", or an http(s) address"
    return {"type": "string", "description": f"{what}: {how}."}


def _words(words: tuple[str, ...], description: str) -> Schema:
    return {"type": "string", "enum": list(words), "description": description}


def _count(default: int, description: str) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": MOST, "default": default, "description": description}


def _network(choices: Mapping[str, Checkpoint]) -> dict[str, Schema]:
    return {
        "checkpoint": {**_words(tuple(choices), "Which network."), "default": next(iter(choices))},
        "size": {
            "type": "string",
            "default": "checkpoint",
            "description": f"Input size: checkpoint, paper, or a short side up to {LARGEST_SIZE} pixels.",
        },
    }


def _sent(value: Any) -> Any:
    """What a caller sent as a file, with bare base64 as the data URL that it could have been."""
    if isinstance(value, str) and _BASE64.fullmatch(value.strip()):
        return "data:application/octet-stream;base64," + "".join(value.split())
    return value


def _small(path: Path) -> bytes:
    """A picture that was made, as a small JPEG."""
    picture = cv2.imread(str(path))
    assert picture is not None
    share = min(1.0, PICTURE_SIDE / max(picture.shape[:2]))
    size = max(1, round(picture.shape[1] * share)), max(1, round(picture.shape[0] * share))
    return encode_jpeg(np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[..., ::-1]))


def in_base64(content: bytes) -> str:
    """Bytes as base64 text."""
    return base64.b64encode(content).decode("ascii")
