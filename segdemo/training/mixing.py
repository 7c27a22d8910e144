"""Which picture each training example is cut from: sources by weight, and within a source the rare classes first."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, as_tensor, stack
from torch.utils.data import Dataset

from segdemo.data.samples import Augmentation, Crop, Sample
from segdemo.training.cache import Cache
from segdemo.training.network import to_inputs

CACHE_BYTES = 1_000_000_000
"""Memory for decoded pictures: small sets are decoded once, of large ones what was drawn last is kept."""


class Labelled(Protocol):
    """What crops are drawn from."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...

    def areas(self) -> Sequence[Mapping[int, int]]:
        """Pixels of each class, for every picture."""


class DrawnCrops(Dataset[Crop]):
    """A fixed sequence of random crops: example ``i`` depends on the seed and ``i`` only.

    That is what makes a resumed run see what an uninterrupted one would have seen, whatever the number of workers.
    """

    def __init__(
        self,
        sources: Mapping[str, Labelled],
        augmentation: Augmentation,
        *,
        length: int,
        mix: Mapping[str, float] | None = None,
        balance: float = 0.5,
        seed: int = 0,
    ) -> None:
        """Draw ``length`` crops from ``sources``.

        ``mix`` gives each source's share (default: by size). With probability ``balance`` the class is chosen first,
        more often the rarer it is, then a picture that has it and a crop around it; otherwise a picture is drawn
        evenly.
        """
        self._sources = [sources[name] for name in sources]
        self._decoded: Cache[Sample] = Cache(CACHE_BYTES)
        shares = np.array([mix.get(name, 0.0) if mix else len(sources[name]) for name in sources], np.float64)
        self._shares = shares / shares.sum()
        self._tables = [_ClassTable(samples.areas()) for samples in self._sources]
        self._augmentation = augmentation
        self._length = length
        self._balance = balance
        self._seed = seed

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Crop:
        """Draw example ``index``; a crop without any label is drawn again, a few times."""
        rng = np.random.default_rng((self._seed, index))
        for _ in range(4):
            source = int(rng.choice(len(self._sources), p=self._shares))
            table, focus = self._tables[source], None
            if rng.random() < self._balance and table.has_classes:
                focus = table.draw_class(rng)
                picture = table.draw_picture(rng, focus)
            else:
                picture = int(rng.integers(len(self._sources[source])))
            sample = self._decoded.get((source, picture), partial(self._sources[source].__getitem__, picture))
            crop = self._augmentation(sample, rng, focus=focus)
            if len(crop.classes):
                break
        return crop


class _ClassTable:
    """Which pictures of one source show which class."""

    def __init__(self, areas: Sequence[Mapping[int, int]]) -> None:
        """``areas`` are the pixels of each class, for every picture."""
        self._pictures: dict[int, list[int]] = {}
        pixels: dict[int, int] = {}
        for picture, own in enumerate(areas):
            for index, area in own.items():
                self._pictures.setdefault(index, []).append(picture)
                pixels[index] = pixels.get(index, 0) + area
        self._classes = sorted(self._pictures)
        # The inverse fourth root of the pixels: what covers a sixteenth as much is drawn twice as often.
        rarity = np.array([pixels[index] ** -0.25 for index in self._classes])
        self._weights: npt.NDArray[np.float64] = rarity / rarity.sum()

    @property
    def has_classes(self) -> bool:
        """Whether any picture shows any class."""
        return bool(self._classes)

    def draw_class(self, rng: np.random.Generator) -> int:
        return self._classes[int(rng.choice(len(self._classes), p=self._weights))]

    def draw_picture(self, rng: np.random.Generator, index: int) -> int:
        pictures = self._pictures[index]
        return pictures[int(rng.integers(len(pictures)))]


class Collator:
    """Crops to the tensors a training step takes; a module-level class so that workers can be started with it."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self._mean = list(mean)
        self._std = list(std)

    def __call__(self, crops: Sequence[Crop]) -> dict[str, Any]:
        """Return ``pixel_values`` float32 (B, 3, H, W), ``segments`` int64 (B, h, w) and ``classes``."""
        segments: list[Tensor] = [as_tensor(crop.segments) for crop in crops]
        return {
            "pixel_values": to_inputs(np.stack([crop.image for crop in crops]), self._mean, self._std),
            "segments": stack(segments),
            "classes": [as_tensor(crop.classes) for crop in crops],
        }
