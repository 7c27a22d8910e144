"""OneFormer: one network for three tasks, told which one by the words "the task is ...".

(Jain et al., "OneFormer: One Transformer to Rule Universal Image Segmentation", CVPR 2023.) The words become CLIP
tokens, the tokens a task token, which conditions the queries and is one of them. Where a checkpoint's folder has its
tokenizer the words go through that; else the tokens of the three tasks are known. Nothing is fetched: the library's
processor would ask the hub for its table of classes, and ours needs none. A Swin backbone and the pixel decoder are
the accelerated ones, where they can be had.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.checkpoint_files import read_config
from segdemo.errors import SegdemoError, first_line
from segdemo.model.capture import EVERYTHING, NOTHING, RawOutputs, Request, Steps, Without, as_half, packed
from segdemo.model.families.common import blocks, described, fast_swin, library_precisions, swin_windows
from segdemo.model.families.family import Loaded
from segdemo.model.families.watched import Sink, WatchedNetwork, hiding, ready, silenced
from segdemo.model.fast.parts import Backbone, Decoder
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.weights import load_library_model, quiet_library
from segdemo.prediction import Windows

TASKS = ("semantic", "instance", "panoptic")
TOKENS: Mapping[str, tuple[int, ...]] = {
    "semantic": (49406, 518, 10549, 533, 29119, 1550, 49407),
    "instance": (49406, 518, 10549, 533, 34572, 49407),
    "panoptic": (49406, 518, 10549, 533, 1072, 24755, 49407),
}
"""What CLIP's tokenizer makes of "the task is ...": start of text, the words' parts, end of text.

(The byte pairs of github.com/openai/CLIP, ``bpe_simple_vocab_16e6``.)"""
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json")


class OneFormer:
    """The family's adapter; see ``Family``."""

    name = "OneFormer"
    lacks: Mapping[str, str] = {}
    tasks: tuple[str, ...] = TASKS

    def recognises(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return config.get("model_type") == "oneformer"

    def preprocessing(self, folder: Path) -> Preprocessing:
        """See ``Family``; the library's processor keeps the aspect and makes no side a multiple of anything."""
        return Preprocessing.from_folder(folder, as_written=lambda values: {**values, "size_divisor": 1})

    def accelerates(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return False

    def borrows(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return fast_swin("OneFormerConfig", config)

    def windows(self, config: Mapping[str, Any]) -> Mapping[int, Windows]:
        """See ``Family``."""
        found = described("OneFormerConfig", config)
        return swin_windows(None if found is None else found.backbone_config)

    def precisions(self, config: Mapping[str, Any], device: str) -> tuple[str, ...]:
        """See ``Family``."""
        return library_precisions(device)

    def load(self, folder: Path, device: str, precision: str, *, accelerated: bool = True) -> Loaded:
        """See ``Family``."""
        tokens = task_tokens(folder)
        model = load_library_model(folder, "OneFormerForUniversalSegmentation")
        ours = accelerated and device == "cpu" and self.borrows(read_config(folder))
        if ours:
            pixel_level = model.model.pixel_level_module
            pixel_level.encoder, pixel_level.decoder = Backbone(pixel_level.encoder), Decoder(pixel_level.decoder)
        return ready(OneFormerNetwork(model, tokens), device, precision, ours=ours)


def task_tokens(folder: Path) -> dict[str, Tensor]:
    """For each of ``TASKS`` its words' tokens, float32 (task_seq_len), filled up with zeros.

    Raises ``SegdemoError`` for a tokenizer in the folder that cannot be read.
    """
    length = int(read_config(folder).get("task_seq_len", 77))
    known = TOKENS if not any((folder / name).is_file() for name in _TOKENIZER_FILES) else _tokenized(folder)
    found = {}
    for task in TASKS:
        found[task] = torch.zeros(length)
        part = known[task][:length]
        found[task][: len(part)] = torch.tensor(part, dtype=torch.float32)
    return found


def _tokenized(folder: Path) -> dict[str, tuple[int, ...]]:
    """The tokens that the folder's own tokenizer makes of the tasks' words."""
    from transformers import CLIPTokenizer

    with quiet_library():
        try:
            tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
            return {task: tuple(tokenizer(f"the task is {task}")["input_ids"]) for task in TASKS}
        except MemoryError:
            raise
        except Exception as error:  # nothing is promised about what damaged files raise
            raise SegdemoError(
                f"The tokenizer in {folder} cannot be read ({first_line(error)[:200]}): fetch the checkpoint again, or "
                "take the tokenizer's files away; the tasks' tokens are known."
            ) from error


class OneFormerNetwork(WatchedNetwork):
    """A ``OneFormerForUniversalSegmentation`` whose forward pass can be watched, stopped and kept."""

    def __init__(self, model: nn.Module, tokens: Mapping[str, Tensor]) -> None:
        super().__init__(model)
        self._tokens = dict(tokens)
        core: Any = self.model
        decoder = core.model.transformer_module.decoder
        decoder.use_auxiliary_loss = True  # what the decoder predicts after each layer, beside the last
        self.count(
            {
                "backbone": blocks(core.model.pixel_level_module.encoder),
                "pixel": list(core.model.pixel_level_module.decoder.encoder.layers),
                "decoder": list(decoder.layers),
            }
        )
        for number, layer in enumerate(decoder.layers, start=1):
            layer.register_forward_pre_hook(self._before_layer, with_kwargs=True)
            self.watch(layer.cross_attn.multihead_attn, number)
            layer.self_attn.self_attn.register_forward_pre_hook(self._before_self_attention, with_kwargs=True)

    def run(self, pixels: Tensor, request: Request = EVERYTHING) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward for the request's task, semantic by default. Raises ``CancelledError``."""
        core: Any = self.model
        sink = Sink(request.capture, Steps(self._counts, request))
        with self.collecting(sink, pixels.device):
            features = core.model.pixel_level_module.encoder(pixels).feature_maps
            found = core.model.pixel_level_module.decoder(features)
            sink.levels, sink.mask_features = list(found.multi_scale_features), found.mask_features
            if request.capture:
                sink.features = [as_half(maps) for maps in features]
            raw = self._decoded(sink, request, height=pixels.shape[2], whole=True)
        sink.step.end()
        return raw

    def decode(
        self,
        levels: list[Tensor],
        masks: Tensor,
        *,
        height: int,
        without: Without = NOTHING,
        request: Request = EVERYTHING,
    ) -> RawOutputs:
        """Run the decoder alone: see ``Loaded``. Raises ``CancelledError``."""
        core: Any = self.model
        layers = core.model.transformer_module.decoder.layers
        sink = Sink(True, Steps({"decoder": len(layers)}, request), without, levels=levels, mask_features=masks)
        attentions = [layer.cross_attn.multihead_attn for layer in layers]
        projections = [attention.out_proj for attention in attentions]
        with self.collecting(sink, masks.device), silenced(projections, attentions[0].num_heads, without):
            raw = self._decoded(sink, request, height=height, whole=False)
        sink.step.end()
        return raw

    def _decoded(self, sink: Sink, request: Request, *, height: int, whole: bool) -> RawOutputs:
        """Run the decoder from what the sink holds; keep what it started from where the pass was ``whole``."""
        core: Any = self.model.model
        tokens = self._tokens[request.task or TASKS[0]]
        batch, device = sink.levels[0].shape[0], sink.levels[0].device
        found = core.transformer_module(
            multi_scale_features=sink.levels,
            mask_features=sink.mask_features,
            task_token=core.task_encoder(tokens.to(device).repeat(batch, 1)),
        )
        layers = [
            (entry["masks_queries_logits"], entry["class_queries_logits"]) for entry in found.auxiliary_predictions
        ]
        layers = [*(layers if sink.capture else ()), (found.prediction_masks, found.prediction_class)]
        masks, classes = zip(*layers, strict=True)
        start = (sink.levels, sink.mask_features) if whole and sink.capture else ((), None)
        return packed(masks, classes, sink.folded(), sink.unmasked, sink.features, *start, height=height)

    def _before_layer(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        """Note which masks came out empty; the layer lifts the restriction for those before it attends."""
        if self._sink is None or not self._sink.capture:
            return
        mask = kwargs["attention_mask"]
        batch = kwargs["output"].shape[1]
        self._sink.unmasked.append(mask.unflatten(0, (batch, -1))[:, 0].all(dim=-1))

    def _before_self_attention(
        self, module: nn.Module, args: Any, kwargs: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """Hide queries from one another."""
        if self._sink is None or not self._sink.without.queries:
            return None
        part: Any = module
        queries, batch, _ = kwargs["hidden_states"].shape
        mask = hiding(kwargs["hidden_states"], queries, self._sink.without)
        return args, {**kwargs, "attention_mask": mask.expand(batch * part.num_heads, queries, queries)}
