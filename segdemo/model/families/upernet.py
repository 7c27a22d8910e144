"""UperNet: every pixel is scored by itself, from a pyramid of the backbone's stages; there are no queries.

(Xiao et al., "Unified Perceptual Parsing for Scene Understanding", ECCV 2018.) The library's network is run up to its
logits, at a quarter of the input: bringing them to the photograph is the segmentation's work. Its auxiliary head
serves training only, and is not run. A Swin backbone is the accelerated one, where that can be had.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from segdemo.checkpoint_files import read_config
from segdemo.model.capture import EVERYTHING, RawOutputs, Request, Steps, scored
from segdemo.model.families.common import blocks, described, fast_swin, library_precisions, swin_windows
from segdemo.model.families.family import Loaded
from segdemo.model.families.watched import Sink, UndividedNetwork, ready
from segdemo.model.fast.parts import Backbone
from segdemo.model.preprocessing import Preprocessing
from segdemo.model.weights import load_library_model
from segdemo.prediction import Windows

_SIDE = 512
"""Height and width that a photograph becomes where a checkpoint's settings do not say."""


class UperNet:
    """The family's adapter; see ``Family``."""

    name = "UperNet"
    lacks: Mapping[str, str] = {
        "queries": "UperNet decides every pixel on its own: there are no queries to look at, and so no segments.",
        "layers": "UperNet decides once: there are no decoder layers that would make one prediction after another.",
        "attention": "UperNet has no queries that would look anywhere: there is no cross-attention to show.",
        "decoder_features": (
            "UperNet has no decoder with queries, layers and heads: there is nothing that could be switched off one by "
            "one."
        ),
    }
    tasks: tuple[str, ...] = ()

    def recognises(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return config.get("model_type") == "upernet"

    def preprocessing(self, folder: Path) -> Preprocessing:
        """See ``Family``; the library's processor resizes to a height and a width, whatever the photograph's own."""
        return Preprocessing.from_folder(folder, as_written=_square)

    def accelerates(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return False

    def borrows(self, config: Mapping[str, Any]) -> bool:
        """See ``Family``."""
        return fast_swin("UperNetConfig", config)

    def windows(self, config: Mapping[str, Any]) -> Mapping[int, Windows]:
        """See ``Family``."""
        found = described("UperNetConfig", config)
        return swin_windows(None if found is None else found.backbone_config)

    def precisions(self, config: Mapping[str, Any], device: str) -> tuple[str, ...]:
        """See ``Family``."""
        return library_precisions(device)

    def load(self, folder: Path, device: str, precision: str, *, accelerated: bool = True) -> Loaded:
        """See ``Family``."""
        model = load_library_model(folder, "UperNetForSemanticSegmentation")
        ours = accelerated and device == "cpu" and self.borrows(read_config(folder))
        if ours:
            model.backbone = Backbone(model.backbone)
        return ready(ScoringNetwork(model, self.lacks), device, precision, ours=ours)


def _square(values: dict[str, Any]) -> dict[str, Any]:
    """The processor's file with the defaults of ``SegformerImageProcessor``: one number is both sides of a square."""
    size = values.get("size")
    if size is None or type(size) is int:
        side = _SIDE if size is None else size
        values = {**values, "size": {"height": side, "width": side}}
    return {"size_divisor": 1, **values}


class ScoringNetwork(UndividedNetwork):
    """A ``UperNetForSemanticSegmentation`` whose forward pass can be watched, stopped and kept."""

    def __init__(self, model: nn.Module, lacks: Mapping[str, str]) -> None:
        super().__init__(model, lacks)
        core: Any = self.model
        head = core.decode_head
        self.count(
            {
                "backbone": blocks(core.backbone),
                "pixel": [*head.psp_modules.blocks, *head.lateral_convs, *head.fpn_convs],
                "decoder": [head.fpn_bottleneck, head.classifier],
            }
        )

    def run(self, pixels: Tensor, request: Request = EVERYTHING) -> RawOutputs:
        """Run float32 (B, 3, H, W) forward, H and W multiples of 32. Raises ``CancelledError``."""
        core: Any = self.model
        sink = Sink(request.capture, Steps(self._counts, request))
        with self.collecting(sink, pixels.device):
            stages = core.backbone(pixels).feature_maps
            logits = core.decode_head(stages)
            raw = scored(logits, stages if request.capture else (), height=pixels.shape[2])
        sink.step.end()
        return raw
