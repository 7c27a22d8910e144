"""Generated scenes as training pictures, painted once and then read from disk."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

import scenes
from segdemo.data.samples import Sample, split_segments
from segdemo.settings import settings
from segdemo.training.config import SourceConfig


def load(source: SourceConfig, things: frozenset[int]) -> list[Sample]:
    """Paint the scenes of a source, or read them back where this version of the generator has painted them before."""
    folder = settings().cache_dir / "scenes" / _version()
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(source.count):
        seed = source.first_seed + number
        kind = source.kinds[number % len(source.kinds)] if source.kinds else None
        image, labels, instances = _scene(folder, seed, kind, source.size)
        segments, classes = split_segments(labels, things, regions=instances)
        samples.append(Sample(f"scene_{seed}", image, segments, classes))
    return samples


def _scene(
    folder: Path, seed: int, kind: str | None, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    path = folder / f"{seed}-{kind or 'any'}-{size[0]}x{size[1]}.npz"
    if path.exists():
        with np.load(path) as file:
            return file["image"], file["labels"], file["instances"]
    scene = scenes.generate(seed, kind=kind, size=size)
    # Another process may be painting the same scene: write aside, then move into place.
    aside = path.with_name(f".{path.stem}.{id(scene)}.npz")
    np.savez_compressed(aside, image=scene.image, labels=scene.labels, instances=scene.instances)
    aside.replace(path)
    return scene.image, scene.labels, scene.instances


@cache
def _version() -> str:
    """Hash of the generator's source: a changed generator paints anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(scenes.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
