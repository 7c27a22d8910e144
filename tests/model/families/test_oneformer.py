"""OneFormer: told its task in words, and else a Mask2Former with one query more."""

import functools
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.errors import SegdemoError
from segdemo.model.capture import Request
from segdemo.model.families import Family, family_of
from segdemo.model.families.oneformer import TASKS, TOKENS, OneFormer, task_tokens
from segdemo.model.predictor import Predictor, load_predictor
from tests.model.families.base import FAMILY, FamilyTests, pixels
from tests.model.families.hooks import CASES, without
from tests.networks import write_tiny_oneformer

TEXT = "the task is {}"
MERGES = {
    0: "i n", 1: "t h", 2: "a n", 6: "th e</w>", 10: "s t", 21: "i s</w>", 43: "t i", 55: "s e", 75: "a s",
    117: "c e</w>", 164: "o p", 211: "m an", 372: "an ce</w>", 560: "p an", 752: "in st", 1038: "ti c</w>",
    2253: "as k</w>", 10037: "t ask</w>", 24243: "op tic</w>", 28607: "se man", 34060: "inst ance</w>",
}  # fmt: skip
"""By their rank, those merges of CLIP's own vocabulary that the tasks' words need (``bpe_simple_vocab_16e6.txt.gz`` of
github.com/openai/CLIP, MIT): a merge makes the token 512 + rank, after 256 bytes in both forms."""


@functools.lru_cache(maxsize=2)
def library(folder: Path) -> Any:
    from transformers import OneFormerForUniversalSegmentation

    return OneFormerForUniversalSegmentation.from_pretrained(folder, dtype=torch.float32).eval()


def told(task: str, batch: int) -> torch.Tensor:
    """The input that the library's processor makes of a task: tokens, filled up with zeros to 77."""
    return torch.tensor([[*TOKENS[task], *[0] * (77 - len(TOKENS[task]))]] * batch)


class TestOneFormer(FamilyTests):
    family: ClassVar[Family] = FAMILY["OneFormer"]

    @classmethod
    def write(cls, folder: Path) -> Path:
        return write_tiny_oneformer(folder)

    def expected(self, folder: Path, values: torch.Tensor) -> dict[str, npt.NDArray[np.float32]]:
        with torch.inference_mode():
            outputs = library(folder)(pixel_values=values, task_inputs=told("semantic", len(values)))
        return {"masks": outputs.masks_queries_logits.numpy(), "classes": outputs.class_queries_logits.numpy()}

    @pytest.mark.parametrize("task", TASKS)
    def test_every_layer_of_every_task_is_the_librarys(self, predictor: Predictor, checkpoint: Path, task: str) -> None:
        values = pixels((96, 130), 2)
        raw = predictor.engine(values.numpy(), Request(task=task))
        with torch.inference_mode():
            outputs = library(checkpoint)(
                pixel_values=values, task_inputs=told(task, 2), output_auxiliary_logits=True, output_attentions=True
            )
        layers = [*outputs.auxiliary_predictions, outputs]
        assert len(raw.masks) == len(layers) == 5
        for ours, theirs in zip(raw.masks, layers, strict=True):
            np.testing.assert_allclose(ours, theirs["masks_queries_logits"].numpy(), rtol=2e-3, atol=1e-2)
        for ours, theirs in zip(raw.classes, layers, strict=True):
            np.testing.assert_allclose(ours, theirs["class_queries_logits"].numpy(), rtol=2e-3, atol=1e-2)
        for ours, (_, theirs) in zip(raw.attentions, outputs.attentions, strict=True):
            mean = ours.astype(np.float32) / ours.astype(np.float32).sum(axis=(-2, -1), keepdims=True)
            np.testing.assert_allclose(mean.mean(axis=1).reshape(theirs.shape), theirs.numpy(), atol=2e-3)

    def test_its_tasks_differ(self, predictor: Predictor, photo: npt.NDArray[np.uint8]) -> None:
        one, other = (predictor(photo, task=task).mask_logits() for task in ("semantic", "instance"))
        assert np.abs(one - other).max() > 1e-3

    @pytest.mark.parametrize("off", CASES.values(), ids=CASES)
    def test_without_parts_it_is_a_full_pass_with_them_off(
        self, predictor: Predictor, checkpoint: Path, photo: npt.NDArray[np.uint8], off: dict[str, Any]
    ) -> None:
        prediction = predictor(photo)
        found = predictor.what_if(prediction, **off)
        values = torch.from_numpy(predictor.preprocessing(photo, "checkpoint")[0])[None]
        model = library(checkpoint)
        layers = model.model.transformer_module.decoder.layers
        parts = [(layer.self_attn.self_attn, layer.cross_attn.multihead_attn) for layer in layers]
        with torch.inference_mode(), without(parts, **off):
            outputs = model(pixel_values=values, task_inputs=told("semantic", 1))
        keep = np.setdiff1d(np.arange(prediction.num_queries), off.get("without_queries", []))
        theirs = outputs.masks_queries_logits[0].numpy()
        np.testing.assert_allclose(found.mask_logits()[keep], theirs[keep], rtol=1e-4, atol=1e-4)
        assert np.abs(found.mask_logits()[keep] - prediction.mask_logits()[keep]).max() > 1e-3

    def test_a_photo_becomes_what_the_librarys_processor_makes(
        self, predictor: Predictor, photo: npt.NDArray[np.uint8]
    ) -> None:
        from transformers import OneFormerImageProcessor

        settings = {"size": {"shortest_edge": 96, "longest_edge": 384}, "do_reduce_labels": False}
        processor = OneFormerImageProcessor(**settings, class_info_file=None, num_text=8)
        theirs = processor(photo, return_tensors="np")["pixel_values"][0]
        ours, input_size, content = predictor.preprocessing(photo, "checkpoint")
        assert ours.shape == theirs.shape
        assert input_size == content
        assert np.abs(ours - theirs).mean() < 0.02


def test_the_tasks_words_go_through_the_folders_own_tokenizer(tmp_path: Path) -> None:
    folder = write_tiny_oneformer(tmp_path / "network")
    assert [task_tokens(folder)[task][: len(TOKENS[task]) + 1].tolist() for task in TASKS] == [
        [*TOKENS[task], 0] for task in TASKS
    ]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    spelled = ["t", "h", "e</w>", "t", "a", "s", "k</w>", "i", "s</w>", *"semanti", "c</w>"]
    wanted = [words.index("<|startoftext|>"), *map(words.index, spelled), words.index("<|endoftext|>")]
    found = task_tokens(folder)["semantic"]
    assert found[: len(wanted)].tolist() == wanted
    assert not found[len(wanted) :].any()
    (folder / "vocab.json").write_text("[")
    with pytest.raises(SegdemoError, match=r"The tokenizer in .* cannot be read"):
        task_tokens(folder)


def test_the_tokens_that_are_known_are_those_of_clips_vocabulary(tmp_path: Path) -> None:
    folder = write_tiny_oneformer(tmp_path / "network")
    known = task_tokens(folder)
    vocabulary = {merge.replace(" ", ""): 512 + rank for rank, merge in MERGES.items()}
    # In CLIP's order of bytes, what is printable comes first.
    for code in range(ord("!"), ord("~") + 1):
        vocabulary |= {chr(code): code - ord("!"), f"{chr(code)}</w>": 256 + code - ord("!")}
    vocabulary |= {"<|startoftext|>": 49406, "<|endoftext|>": 49407}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *MERGES.values(), ""]))
    for task, tokens in task_tokens(folder).items():
        assert tokens.tolist() == known[task].tolist()


def test_a_tokenizers_length_is_the_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "oneformer", "task_seq_len": 5}))
    assert task_tokens(tmp_path)["instance"].tolist() == list(TOKENS["instance"][:5])


def test_a_backbone_that_cannot_be_had_is_a_sentence(tmp_path: Path) -> None:
    folder = write_tiny_oneformer(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["backbone_config"] = {"model_type": "dinat", "out_features": ["stage1", "stage2", "stage3", "stage4"]}
    (folder / "config.json").write_text(json.dumps(config))
    assert isinstance(family_of(folder), OneFormer)
    with pytest.raises(SegdemoError, match=r"dinat backbone needs .* natten"):
        load_predictor(folder, engine="torch", precision="fp32")
