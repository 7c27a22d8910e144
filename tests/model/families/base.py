"""What every family of networks must do; a family's test inherits it and says how its checkpoints are made.

A family without queries answers with what it has: the tests of a part run where the network offers it.
"""

import json
import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.checkpoint_files import read_config
from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.model.capture import RawOutputs, Request
from segdemo.model.families import FAMILIES, Family, family_of
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import PARTS, Part
from segdemo.progress import CancelledError
from segdemo.segmentation import semantic
from segdemo.training.start import checkpoint_folder

FAMILY = {family.name: family for family in FAMILIES}
SIZES = ((96, 128), (64, 64), (160, 96))


class FamilyTests:
    """Inherit, name the family, and fill in ``write`` and ``expected``."""

    family: ClassVar[Family]
    offers: ClassVar[frozenset[Part]] = frozenset(PARTS)
    steps: ClassVar[int] = 8
    """At how many places at least a pass tells its progress and may be stopped."""
    slack: ClassVar[float] = 1e-4
    sizes: ClassVar[tuple[tuple[int, int], ...]] = SIZES
    """Input sizes; the sizes of the tests are made of these."""

    @classmethod
    def write(cls, folder: Path) -> Path:
        """Write a tiny random checkpoint into the folder and return it."""
        raise NotImplementedError

    def expected(self, folder: Path, values: torch.Tensor) -> dict[str, npt.NDArray[np.float32]]:
        """What the library's own network answers: for each field of ``RawOutputs`` its last entry."""
        raise NotImplementedError

    def found(self, raw: RawOutputs, name: str, values: torch.Tensor) -> npt.NDArray[np.float32]:
        """What the family's network answers, to be compared with what is ``expected``."""
        last: npt.NDArray[np.float32] = getattr(raw, name)[-1]
        return last

    @pytest.fixture(scope="class")
    @classmethod
    def checkpoint(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return cls.write(tmp_path_factory.mktemp("family"))

    @pytest.fixture(scope="class")
    @classmethod
    def predictor(cls, checkpoint: Path) -> Predictor:
        return load_predictor(checkpoint, engine="torch", precision="fp32", device="cpu")

    def test_it_recognises_its_own(self, checkpoint: Path) -> None:
        config = read_config(checkpoint)
        assert family_of(checkpoint) is self.family
        assert [family for family in FAMILIES if family.recognises(config)] == [self.family]
        assert not self.family.recognises({"model_type": "segformer"})
        assert not self.family.recognises({})

    @pytest.mark.parametrize("batch", [1, 2])
    @pytest.mark.parametrize("capture", [True, False])
    def test_it_answers_as_the_librarys_own_network(
        self, predictor: Predictor, checkpoint: Path, batch: int, capture: bool
    ) -> None:
        for size in self.sizes:
            values = pixels(size, batch)
            raw = predictor.engine(values.numpy(), Request(capture=capture))
            for name, reference in self.expected(checkpoint, values).items():
                found = self.found(raw, name, values)
                assert found.dtype == np.float32
                np.testing.assert_allclose(found, reference, rtol=self.slack, atol=self.slack)

    def test_a_batch_is_its_members(self, predictor: Predictor) -> None:
        values = pixels(self.sizes[0], 2).numpy()
        together = predictor.engine(values)
        for index in range(2):
            alone = predictor.engine(values[index : index + 1])
            for ours, theirs in zip(together.masks, alone.masks, strict=True):
                np.testing.assert_allclose(ours[index], theirs[0], rtol=5e-3, atol=5e-3)
            if together.logits is not None and alone.logits is not None:
                np.testing.assert_allclose(together.logits[index], alone.logits[0], rtol=5e-3, atol=5e-3)

    def test_a_prediction_has_the_parts_it_offers(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        prediction = predictor(photo)
        assert prediction.offers == self.offers
        assert set(self.family.lacks) == set(PARTS) - self.offers
        assert prediction.image_size == photo.shape[:2]
        asked: dict[Part, Any] = {
            "queries": prediction.mask_logits,
            "layers": lambda: semantic(prediction, layer=1).scores,
            "attention": lambda: prediction.attention(1, 0),
            "features": lambda: prediction.features(max(prediction.stages)),
            "decoder_features": lambda: predictor.what_if(prediction).mask_logits(),
        }
        for part, ask in asked.items():
            if part in self.offers:
                assert np.isfinite(ask()).all()
            else:
                with pytest.raises(NotOfferedError) as raised:
                    ask()
                assert str(raised.value) == self.family.lacks[part]
                assert str(raised.value).endswith(".")
        copied = pickle.loads(pickle.dumps(prediction))
        assert (copied.offers, copied.nbytes) == (prediction.offers, prediction.nbytes)

    def test_every_layer_of_attention_has_its_own_level(
        self, predictor: Predictor, photo: npt.NDArray[np.uint8]
    ) -> None:
        prediction = predictor(photo)
        for number, layer in enumerate(prediction.attentions, start=1):
            assert layer.size == tuple(-(-side // layer.stride) for side in prediction.input_size)
            assert layer.unmasked.shape == (prediction.num_queries,)
            assert prediction.attention(number, 0).shape == layer.size
            assert prediction.attention(number, 0).sum() == pytest.approx(1, abs=1e-3)

    def test_features_are_finer_and_finer(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        stages = predictor(photo).stages
        for scale, maps in stages.items():
            assert maps.shape[1:] == tuple(-(-side // scale) for side in predictor(photo).input_size)
        assert list(stages) == sorted(stages)

    def test_the_decoder_runs_alone_and_can_be_stopped(
        self, predictor: Predictor, photo: npt.NDArray[np.uint8]
    ) -> None:
        prediction = predictor(photo)
        if "decoder_features" not in prediction.offers:
            return
        again = predictor.what_if(prediction)
        for name in ("masks", "classes"):
            for ours, theirs in zip(getattr(again, name), getattr(prediction, name), strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(semantic(again).labels, semantic(prediction).labels)
        with pytest.raises(CancelledError):
            predictor.what_if(prediction, cancel=lambda: True)

    def test_progress_rises_to_one_and_a_run_can_be_stopped(self, predictor: Predictor) -> None:
        values, seen = pixels(self.sizes[-1], 1).numpy(), [0.0]
        predictor.engine(values, Request(progress=seen.append))
        assert seen == sorted(seen)
        assert seen[-1] == 1
        assert len(seen) > self.steps
        seen.clear()
        with pytest.raises(CancelledError):
            predictor.engine(values, Request(progress=seen.append, cancel=lambda: len(seen) > self.steps // 2))
        assert isinstance(predictor.engine(values), RawOutputs)

    def test_tasks_are_those_it_is_told(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        for task in self.family.tasks:
            assert predictor(photo, task=task).offers == self.offers
        with pytest.raises(SegdemoError, match="task"):
            predictor(photo, task="nonsense")

    def test_it_is_finetuned_where_it_is_a_mask2former_and_else_a_sentence(self, checkpoint: Path) -> None:
        if self.family.name == "Mask2Former":
            assert checkpoint_folder(str(checkpoint)) == checkpoint
            return
        with pytest.raises(
            SegdemoError, match=f"is an? {self.family.name} checkpoint, and only Mask2Former can be fine-tuned"
        ):
            checkpoint_folder(str(checkpoint))

    def test_through_segment(self, checkpoint: Path, tmp_path: Path, photo: npt.NDArray[np.uint8]) -> None:
        from PIL import Image
        from typer.testing import CliRunner

        from segdemo.cli import make_app

        Image.fromarray(photo).save(tmp_path / "photo.png")
        options = ["--checkpoint", str(checkpoint), "--engine", "torch", "--precision", "fp32", "--out", str(tmp_path)]
        for task in ("semantic", "panoptic"):
            done = CliRunner().invoke(make_app(), ["segment", str(tmp_path / "photo.png"), "--task", task, *options])
            if task == "panoptic" and "queries" not in self.offers:
                assert done.exit_code == 1
                assert self.family.lacks["queries"] in " ".join(done.output.split())
                assert not (tmp_path / "photo.segments.json").exists()
                return
            assert done.exit_code == 0, done.output
            with Image.open(tmp_path / f"photo.{task}.png") as written:
                assert written.size == (photo.shape[1], photo.shape[0])
        assert isinstance(json.loads((tmp_path / "photo.segments.json").read_text())["segments_info"], list)


def pixels(size: tuple[int, int], batch: int) -> torch.Tensor:
    """Smooth random pictures (batch, 3, *size), normalised as a photograph would be."""
    coarse = torch.randn(batch, 3, size[0] // 16, size[1] // 16, generator=torch.Generator().manual_seed(batch))
    return torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")
