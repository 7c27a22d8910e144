"""EoMT: its fixed grid, the squares of semantic checkpoints and the padding of panoptic ones, against the library."""

import functools
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.explain import explain_pixel
from segdemo.model.capture import NOTHING
from segdemo.model.families import Family, family_of
from segdemo.model.families.eomt import Eomt
from segdemo.model.networks import load_network
from segdemo.model.predictor import Predictor, load_predictor
from segdemo.prediction import Part, Prediction
from segdemo.segmentation import class_probabilities, layer_labels, panoptic, planes, semantic
from segdemo.segmentation.semantic import NO_CLASS
from tests.model.families.base import FamilyTests, pixels
from tests.networks import write_tiny_eomt


@functools.lru_cache(maxsize=2)
def library(folder: Path) -> Any:
    from transformers import EomtForUniversalSegmentation

    return EomtForUniversalSegmentation.from_pretrained(folder, dtype=torch.float32).eval()


def processor(folder: Path) -> Any:
    from transformers.models.eomt.image_processing_pil_eomt import EomtImageProcessorPil

    return EomtImageProcessorPil.from_pretrained(folder)


class EomtTests(FamilyTests):
    offers: ClassVar[frozenset[Part]] = frozenset({"queries", "layers", "attention", "features"})
    sizes = ((64, 64),)
    steps = 4
    masked: ClassVar[bool] = False
    split: ClassVar[bool] = True

    @classmethod
    def write(cls, folder: Path) -> Path:
        written = write_tiny_eomt(folder, masked=cls.masked, split=cls.split)
        cls.family: ClassVar[Family] = family_of(written)  # type: ignore[misc]
        assert isinstance(cls.family, Eomt)
        return written

    def expected(self, folder: Path, values: torch.Tensor) -> dict[str, npt.NDArray[np.float32]]:
        with torch.inference_mode():
            outputs = library(folder)(pixel_values=values)
        return {"masks": outputs.masks_queries_logits.numpy(), "classes": outputs.class_queries_logits.numpy()}

    def test_layers_are_those_of_the_blocks_that_carry_queries(self, predictor: Predictor, checkpoint: Path) -> None:
        values = pixels((64, 64), 1)
        raw, model = predictor.engine(values.numpy()), library(checkpoint)
        assert (len(raw.masks), len(raw.attentions), list(raw.stages)) == (3, 2, [16])
        # A network that has only the first of those blocks says at its end what the whole says on the way.
        model.layers, kept = model.layers[:4], model.layers
        model.num_hidden_layers, model.config.num_blocks = 4, 1
        try:
            with torch.inference_mode():
                early = model(pixel_values=values)
        finally:
            model.layers, model.num_hidden_layers, model.config.num_blocks = kept, 5, 2
        np.testing.assert_allclose(raw.masks[1], early.masks_queries_logits.numpy(), atol=2e-2)
        np.testing.assert_allclose(raw.classes[1], early.class_queries_logits.numpy(), atol=2e-2)

    def test_attention_is_the_librarys(self, checkpoint: Path, photo: npt.NDArray[np.uint8]) -> None:
        values = pixels((64, 64), 1)
        model = library(checkpoint)
        model.set_attn_implementation("eager")
        with torch.inference_mode():
            theirs = model(pixel_values=values, output_attentions=True).attentions[-1]
        ours = load_network(checkpoint).run(values).attentions[-1][0]
        wanted = theirs[0, :, :9, 9 + 5 :].unflatten(-1, (4, 4)).numpy()
        peaks = np.maximum(wanted.max(axis=(2, 3), keepdims=True), 1e-30)
        np.testing.assert_allclose(ours, wanted / peaks, atol=2e-3)

    def test_no_other_input_size(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        for size in ("paper", 64):
            with pytest.raises(SegdemoError, match=r"learned positions for one input size.*checkpoint"):
                predictor(photo, size=size)
        assert predictor(photo).fixed_input
        with pytest.raises(NotOfferedError, match="no decoder"):
            load_network(predictor._folder).decode([], torch.zeros(1), height=64, without=NOTHING)


class TestSquares(EomtTests):
    def test_maps_are_those_of_the_librarys_pipeline(self, predictor: Predictor, checkpoint: Path) -> None:
        rng = np.random.default_rng(0)
        blocks = [rng.integers(0, 256, size, np.uint8) for size in ((5, 7, 3), (12, 6, 3))]
        photos = [block.repeat(10, axis=0).repeat(10, axis=1)[:-1, :-2] for block in blocks]
        for photo in (*photos, photos[0][:20]):
            prediction = predictor(photo)
            wanted = _semantic_of_the_library(checkpoint, photo)
            found = semantic(prediction)
            assert (found.labels == wanted).mean() > 0.995
            assert len(np.unique(wanted)) > 1
            assert prediction.crops is not None
            assert prediction.num_queries == 9 * len(prediction.crops.starts)

    def test_scores_are_the_librarys_mean_where_squares_overlap(self, predictor: Predictor, checkpoint: Path) -> None:
        """Not their sum: a score below which a pixel is of no class means the same in all of the photograph."""
        rng = np.random.default_rng(3)
        for shape in ((60, 100, 3), (83, 57, 3), (64, 108, 3)):
            photo = rng.integers(0, 256, shape, np.uint8)
            prediction = predictor(photo)
            assert prediction.crops is not None
            scores = _scores_of_the_library(checkpoint, photo)
            best = scores.max(axis=0)
            single, overlapping = np.quantile(best, 0.2), np.quantile(best, 0.8)
            for least in (single, overlapping):
                found = semantic(prediction, least=float(least)).labels
                wanted = np.where(best < least, NO_CLASS, scores.argmax(axis=0))
                assert (found == wanted).mean() > 0.995
            every = class_probabilities(prediction)
            np.testing.assert_allclose(every, scores / scores.sum(axis=0), atol=2e-3)
            np.testing.assert_array_equal(
                layer_labels(prediction, -1)[_clear(scores)], scores.argmax(axis=0)[_clear(scores)]
            )
            shown = planes(prediction, size=photo.shape[:2])
            np.testing.assert_allclose(shown.top_probability, (scores / scores.sum(axis=0)).max(axis=0), atol=2e-3)
            for y, x in rng.integers(0, photo.shape[:2], (12, 2)):
                told = explain_pixel(prediction, int(y), int(x), classes=7)
                for entry in told.classes:
                    assert abs(entry.score - scores[entry.category_id, y, x]) < 2e-3
                    assert abs(sum(vote.share for vote in entry.votes) - 1) < 1e-4

    def test_what_overlaps_is_claimed_once(self, predictor: Predictor) -> None:
        photo = np.random.default_rng(1).integers(0, 256, (60, 100, 3), np.uint8)
        prediction = predictor(photo)
        assert prediction.crops is not None
        found = panoptic(prediction, score_threshold=0.0, overlap_threshold=0.0, fuse_stuff=False)
        assert found.segments_info
        for segment in found.segments_info:
            columns = np.nonzero(found.ids == segment.id)[1] * prediction.input_size[1] / 100
            first, last = (0, 53) if segment.queries[0] < 9 else (53, 107)
            assert columns.min() >= first - 2
            assert columns.max() <= last + 2


class TestSquaresUnderMasks(EomtTests):
    masked = True


class TestPadding(EomtTests):
    split = False

    def test_segments_are_the_librarys_and_maps_are_not_stretched(self, predictor: Predictor, checkpoint: Path) -> None:
        photo = np.random.default_rng(2).integers(0, 256, (50, 80, 3), np.uint8)
        prediction, theirs = predictor(photo), processor(checkpoint)
        assert (prediction.input_size, prediction.content_size) == ((64, 64), (40, 64))
        inputs = theirs(photo, return_tensors="pt")
        np.testing.assert_allclose(
            inputs["pixel_values"][0].numpy(), predictor.preprocessing(photo, "checkpoint")[0], atol=1e-5
        )
        with torch.inference_mode():
            outputs = library(checkpoint)(**{"pixel_values": inputs["pixel_values"]})
        wanted = theirs.post_process_panoptic_segmentation(
            outputs, [photo.shape[:2]], threshold=0.2, overlap_mask_area_threshold=0.3, stuff_classes=[0, 1, 2, 4, 6]
        )[0]
        found = panoptic(prediction, score_threshold=0.2, overlap_threshold=0.3, stuff={0, 1, 2, 4, 6})
        assert [entry["label_id"] for entry in wanted["segments_info"]] == [
            entry.category_id for entry in found.segments_info
        ]
        assert ((wanted["segmentation"].numpy() + 1) == found.ids).mean() > 0.99
        np.testing.assert_array_equal(semantic(prediction).labels, _cropped(prediction))


def _semantic_of_the_library(folder: Path, photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.integer]:
    outputs = _outputs_of_the_library(folder, photo)
    found = processor(folder).post_process_semantic_segmentation(outputs, [photo.shape[:2]])
    labels: npt.NDArray[np.integer] = found[0].numpy()
    return labels


def _outputs_of_the_library(folder: Path, photo: npt.NDArray[np.uint8]) -> Any:
    inputs = processor(folder)(photo, return_tensors="pt")
    with torch.inference_mode():
        outputs = library(folder)(pixel_values=inputs["pixel_values"])
    outputs.patch_offsets = inputs["patch_offsets"]
    return outputs


def _scores_of_the_library(folder: Path, photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The class scores (C, H, W) of which its processor takes the highest."""
    theirs, outputs = processor(folder), _outputs_of_the_library(folder, photo)
    masks = torch.nn.functional.interpolate(outputs.masks_queries_logits, size=(64, 64), mode="bilinear")
    classes = outputs.class_queries_logits.softmax(-1)[..., :-1]
    scores = torch.einsum("bqc,bqhw->bchw", classes, masks.sigmoid())
    size = {"shortest_edge": 64, "longest_edge": None}
    merged = theirs.merge_image_patches(scores, outputs.patch_offsets, [photo.shape[:2]], size)
    return np.asarray(merged[0].numpy(), np.float32)


def _clear(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Where the best class leads."""
    two = np.partition(scores, -2, axis=0)[-2:]
    return np.asarray(two[1] - two[0] > 2e-3)


def _cropped(prediction: Prediction) -> npt.NDArray[np.integer]:
    """The paper's procedure with the padding cropped, which the library's processor leaves in."""
    resize = torch.nn.functional.interpolate
    masks = resize(torch.from_numpy(prediction.mask_logits())[None], size=prediction.input_size, mode="bilinear")
    weights = torch.from_numpy(prediction.class_logits()).softmax(-1)[:, :-1]
    scores = torch.einsum("qc,bqhw->bchw", weights, masks.sigmoid())
    scores = scores[..., : prediction.content_size[0], : prediction.content_size[1]]
    return np.asarray(resize(scores, size=prediction.image_size, mode="bilinear")[0].argmax(0).numpy())


def test_settings_that_do_not_fit_the_grid_are_padded(tmp_path: Path) -> None:
    """As a published folder may say: split, but no side longer than the grid."""
    folder = write_tiny_eomt(tmp_path)
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "size": {"shortest_edge": 64, "longest_edge": 64}}))
    prediction = load_predictor(folder, engine="torch", precision="fp32")(np.zeros((30, 60, 3), np.uint8))
    assert (prediction.input_size, prediction.content_size, prediction.crops) == ((64, 64), (32, 64), None)
    assert semantic(prediction).labels.shape == (30, 60)
