"""Measures what is said of networks of this kind elsewhere, on labelled photographs.

Run from the project's root: ``python -m benchmarks.claims --data FOLDER... [--checkpoint ID_OR_FOLDER] [--limit N]
[--only refinement small seams batches]``. The folders are read as ``python -m segdemo evaluate`` reads them, and of
each the part for validation is taken, at most N photographs of it, spread evenly. Prints a Markdown table for each
claim; ``docs/claims.md`` says what they are.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

import segdemo
from segdemo.cli.benchmark import machine
from segdemo.data import Dataset, SourceConfig, open_source
from segdemo.data.samples import Sample
from segdemo.evaluation.boundary import TOLERANCE, TrueBoundary
from segdemo.evaluation.regions import regions
from segdemo.judging import chosen
from segdemo.labels import VOID
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Prediction
from segdemo.process import prepare_process
from segdemo.refine.morphology import MorphologyOptions
from segdemo.refine.pipeline import CrfOptions, RefineOptions
from segdemo.results.job import own_job
from segdemo.results.make import Source, make_result
from segdemo.results.options import OutputOptions

Labels = npt.NDArray[np.integer]

CRF = CrfOptions(enabled=True)
OPENED = MorphologyOptions(operation="open", size=5)
CLEANED = MorphologyOptions(smallest_region=64, largest_hole=64)
REFINEMENTS: Mapping[str, RefineOptions] = {
    "the network's own": RefineOptions(),
    "opening with a disc of 5 pixels": RefineOptions(morphology=OPENED),
    "regions and holes up to 64 pixels removed": RefineOptions(morphology=CLEANED),
    "CRF at its defaults": RefineOptions(crf=CRF),
    "CRF, then regions and holes": RefineOptions(crf=CRF, morphology=CLEANED),
}
EXACT = 0.0016
"""A tolerance of a single pixel at 512 x 384, as a share of the diagonal."""
AREAS = (0.0005, 0.005, 0.02, 0.1)
"""Where the sizes of objects are cut, in shares of the photograph."""
FOUND = 0.5
"""Share of an object's pixels that must have its class for it to be found."""
RESAMPLED = 2000


def photographs(folders: Sequence[Path], predictor: Predictor, limit: int | None) -> Iterator[Sample]:
    """The photographs of all folders, one at a time."""
    for folder in folders:
        source = SourceConfig(data=folder)
        data = Dataset(open_source(source, prefer=("val", "test")), source, dict(predictor.id2label))
        data = data.part(chosen(data.names, limit))
        for place in range(len(data)):
            yield data[place]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Within what the mean lies with 95 %, by resampling the photographs."""
    drawn = np.random.default_rng(0).choice(np.asarray(values), (RESAMPLED, len(values)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


@dataclass
class Refinement:
    """Boundary F, accuracy and time, photograph by photograph, of each way to refine."""

    f: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in REFINEMENTS})
    sharp: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in REFINEMENTS})
    right: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in REFINEMENTS})
    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in REFINEMENTS})

    def add(self, sample: Sample, prediction: Prediction) -> None:
        """Count a photograph; those whose truth has no boundary are left out."""
        truth = np.where(sample.labels >= 0, sample.labels, VOID)
        wide, sharp = (TrueBoundary(truth, tolerance=reach, ignore_index=VOID) for reach in (TOLERANCE, EXACT))
        labelled = truth != VOID
        if not labelled.any() or not wide.scores(truth):
            return
        for name, options in REFINEMENTS.items():
            start = time.perf_counter()
            labels = make_result(own_job(), Source(sample.image, prediction), OutputOptions(refine=options)).labels
            self.seconds[name].append(time.perf_counter() - start)
            self.f[name].append(statistics.fmean(wide.scores(labels).values()))
            self.sharp[name].append(statistics.fmean(sharp.scores(labels).values()))
            self.right[name].append(float((labels == truth)[labelled].mean()))

    def rows(self) -> Iterator[str]:
        """The table: means over photographs, and the difference to the network's own with its interval."""
        plain = next(iter(REFINEMENTS))
        yield f"Means over {len(self.f[plain])} photographs; in brackets 95 % of resamplings of them.\n"
        yield (
            "| map | boundary F, 0.75 % of the diagonal | difference in points | in % | better on | "
            "boundary F, 0.16 % | difference | pixel accuracy | difference | seconds, median |"
        )
        yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        for name in REFINEMENTS:
            cells = [f"{100 * statistics.fmean(self.f[name]):.2f}"]
            cells += _gain(self.f[name], self.f[plain], relative=True)
            cells += [f"{100 * statistics.fmean(self.sharp[name]):.2f}", *_gain(self.sharp[name], self.sharp[plain])]
            cells += [f"{100 * statistics.fmean(self.right[name]):.2f}", *_gain(self.right[name], self.right[plain])]
            yield f"| {name} | {' | '.join(cells)} | {statistics.median(self.seconds[name]):.2f} |"


def _gain(values: Sequence[float], before: Sequence[float], *, relative: bool = False) -> list[str]:
    gains = [100 * (after - own) for after, own in zip(values, before, strict=True)]
    if not any(gains):
        return ["", "", ""] if relative else [""]
    low, high = interval(gains)
    mean = statistics.fmean(gains)
    shown = [f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"]
    if relative:
        better = sum(gain > 0 for gain in gains) / len(gains)
        shown += [f"{mean / statistics.fmean(before):+.1f} %", f"{better:.0%}"]
    return shown


@dataclass
class Small:
    """How much of each object has its class, by the share of the photograph that it takes."""

    areas: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    things: list[bool] = field(default_factory=list)

    def add(self, sample: Sample, prediction: Prediction) -> None:
        """Count a photograph's objects: told apart where the data does so, else connected regions."""
        labels = segdemo.semantic(prediction).labels
        countable = prediction.taxonomy.things
        for index, numbers, ids in self._objects(sample, countable):
            right = np.bincount(ids[labels == index], minlength=int(ids.max()) + 1)
            areas = np.bincount(ids.ravel(), minlength=len(right))
            for number in numbers:
                if areas[number]:
                    self.areas.append(areas[number] / labels.size)
                    self.shares.append(right[number] / areas[number])
                    self.things.append(index in countable)

    @staticmethod
    def _objects(sample: Sample, things: frozenset[int]) -> Iterator[tuple[int, list[int], Labels]]:
        parts = regions(sample.labels, classes=sorted({int(index) for index in np.unique(sample.labels) if index >= 0}))
        for index in np.unique(parts.classes[1:]).tolist():
            if sample.apart and index in things:
                numbers = (np.flatnonzero(sample.classes == index) + 1).tolist()
                yield index, numbers, sample.segments
            else:
                yield index, np.flatnonzero(parts.classes == index).tolist(), parts.ids

    def rows(self) -> Iterator[str]:
        """The table: things, and regions of stuff, by area."""
        areas, shares, things = np.asarray(self.areas), np.asarray(self.shares), np.asarray(self.things, bool)
        yield f"Objects found: at least {FOUND:.0%} of their pixels have their class in the semantic map.\n"
        yield "| share of the photograph | things | found | pixels right | regions of stuff | found | pixels right |"
        yield "|---|--:|--:|--:|--:|--:|--:|"
        edges = (0.0, *AREAS, 1.0)
        spans = [*pairwise(edges), (0.0, 0.02), (0.02, 1.0)]
        for low, high in spans:
            cells = []
            for kind in (things, ~things):
                here = kind & (areas > low) & (areas <= high)
                weight = areas[here].sum()
                if not weight:
                    cells += ["0", "", ""]
                    continue
                right = (shares[here] * areas[here]).sum() / weight
                cells += [str(int(here.sum())), f"{(shares[here] >= FOUND).mean():.1%}", f"{right:.1%}"]
            name = f"up to {100 * high:g} %" if not low else f"over {100 * low:g} %" if high == 1 else ""
            yield f"| {name or f'{100 * low:g} to {100 * high:g} %'} | {' | '.join(cells)} |"


@dataclass
class Seams:
    """Errors and changes of class beside the borders of attention windows, and beside the same grids elsewhere.

    The control is each grid moved by a quarter of a window, which no block of the network knows: as far from windows'
    borders as from those of the next block's, which lie half a window on.
    """

    changes: dict[tuple[int, bool], list[tuple[float, float]]] = field(default_factory=dict)
    """By the side of a window in pixels of the input, and whether it is the control: for each photograph, changes of
    class and errors, as shares."""

    def add(self, sample: Sample, prediction: Prediction) -> None:
        """Count a photograph; networks without windows count for nothing."""
        labels = segdemo.semantic(prediction).labels
        truth = np.asarray(sample.labels)
        for stride, windows in prediction.windows.items():
            side = stride * windows.side
            both = []
            for offset in (0.0, side / 4):
                found = [self._beside(labels, truth, axis, prediction, side, offset) for axis in (0, 1)]
                pairs, changed, pixels, wrong = np.sum(found, axis=0)
                if pairs and pixels:
                    both.append((changed / pairs, wrong / pixels))
            if len(both) == 2:
                for control in (False, True):
                    self.changes.setdefault((side, control), []).append(both[control])

    @staticmethod
    def _beside(
        labels: Labels, truth: Labels, axis: int, prediction: Prediction, side: float, offset: float
    ) -> tuple[int, int, int, int]:
        """Pairs of neighbours across borders, those of two classes, labelled pixels of them, and wrong ones."""
        length = labels.shape[axis]
        scale = length / prediction.content_size[axis]
        places = np.arange(side + offset, prediction.content_size[axis] - 1, side)
        first = np.unique(np.clip(np.rint(places * scale).astype(int) - 1, 0, length - 2))
        before, after = np.take(labels, first, axis), np.take(labels, first + 1, axis)
        known = [np.take(truth, first + step, axis) for step in (0, 1)]
        seen = [found >= 0 for found in known]
        wrong = [(found != own) & there for found, own, there in zip((before, after), known, seen, strict=True)]
        return (
            before.size,
            int((before != after).sum()),
            int(sum(there.sum() for there in seen)),
            int(sum(there.sum() for there in wrong)),
        )

    def rows(self) -> Iterator[str]:
        """The table, or why there is none."""
        if not self.changes:
            yield "This checkpoint's backbone does not attend in windows: it has no window edges."
            return
        yield "Neighbouring pixels across window borders, beside the same grid moved by a quarter of a window.\n"
        yield (
            "| windows of, in pixels of the input | photographs | neighbours of two classes, at borders | elsewhere | "
            "difference in points | wrong, at borders | elsewhere | difference in points |"
        )
        yield "|---|--:|--:|--:|--:|--:|--:|--:|"
        for side in sorted({side for side, _ in self.changes}):
            own, control = (np.asarray(self.changes[side, moved]) for moved in (False, True))
            cells = []
            for column in (0, 1):
                gains = (100 * (own[:, column] - control[:, column])).tolist()
                low, high = interval(gains)
                cells += [f"{100 * own[:, column].mean():.2f} %", f"{100 * control[:, column].mean():.2f} %"]
                cells += [f"{statistics.fmean(gains):+.3f} ({low:+.3f} to {high:+.3f})"]
            yield f"| {side} | {len(own)} | {' | '.join(cells)} |"


def batches(predictor: Predictor, image: npt.NDArray[np.uint8], repeats: int) -> Iterator[str]:
    """Four photographs one by one and in one pass, in turn: of the network and everything before it."""
    yield f"Four photographs one by one, and four in one pass; median of {repeats} runs that take turns.\n"
    yield "| short side of the input | one by one | in one pass | photographs per second |"
    yield "|---|--:|--:|--:|"
    for side in (128, 256, 384, 512):
        single: list[float] = []
        together: list[float] = []
        with mock.patch("segdemo.model.predictor.BATCH_PIXELS", 10**9):
            for turn in range(repeats + 1):
                start = time.perf_counter()
                for _ in range(4):
                    predictor(image, size=side, capture=False)
                middle = time.perf_counter()
                predictor.predict_batch([image] * 4, size=side)
                if turn:
                    single.append(middle - start)
                    together.append(time.perf_counter() - middle)
        one, four = statistics.median(single), statistics.median(together)
        yield f"| {side} | {one:.2f} s | {four:.2f} s | {one / four - 1:+.0%} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of labelled photographs")
    parser.add_argument("--checkpoint", default="embedded", help="hub id whose weights are on disk, or a folder")
    parser.add_argument("--limit", type=int, help="photographs of each folder, at most")
    parser.add_argument("--repeats", type=int, default=9, help="runs of each batch")
    parts = ("refinement", "small", "seams", "batches")
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    options = parser.parse_args()
    prepare_process()
    predictor = load_predictor(options.checkpoint)
    print(f"{machine()}, the checkpoint {options.checkpoint}.\n", flush=True)
    makers: dict[str, Callable[[], Any]] = {"refinement": Refinement, "small": Small, "seams": Seams}
    counts = {name: makers[name]() for name in options.only if name in makers}
    image = None
    for sample in photographs(options.data, predictor, options.limit):
        image = sample.image if image is None else image
        if not counts:
            break
        # Windows are told of with what the backbone's stages handed on.
        prediction = predictor(sample.image, capture="seams" in counts)
        for count in counts.values():
            count.add(sample, prediction)
    for count in counts.values():
        print("\n".join(count.rows()), end="\n\n", flush=True)
    if "batches" in options.only and image is not None:
        for row in batches(predictor, image, options.repeats):
            print(row, flush=True)


if __name__ == "__main__":
    main()
