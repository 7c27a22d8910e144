"""From a network's raw answer to the parts of a prediction, and back to what the decoder starts from."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segdemo.model.capture import RawOutputs, Start
from segdemo.prediction import AttentionLayer, DecoderFeatures, Prediction

if TYPE_CHECKING:
    pass


def attention_layers(raw: RawOutputs, index: int) -> tuple[AttentionLayer, ...]:
    """The attention of one image of a batch, layer by layer; plain where the network masks none."""
    if raw.unmasked is None:
        plain = [np.ones(maps.shape[2], bool) for maps in raw.attentions]
        return tuple(
            AttentionLayer(own(maps, index), unmasked, stride, masked=False)
            for maps, unmasked, stride in zip(raw.attentions, plain, raw.strides, strict=True)
        )
    return tuple(
        AttentionLayer(own(maps, index), unmasked[index].copy(), stride)
        for maps, unmasked, stride in zip(raw.attentions, raw.unmasked, raw.strides, strict=True)
    )


def decoder_features(raw: RawOutputs, index: int) -> DecoderFeatures | None:
    """What the decoder started from for one image of a batch; none where it was not kept."""
    if raw.start is None:
        return None
    levels = zip(raw.start.strides, raw.start.levels, strict=True)
    return DecoderFeatures(
        {stride: own(maps, index) for stride, maps in levels}, own(raw.start.masks, index), raw.start.mask_stride
    )


def decoder_start(prediction: Prediction) -> Start:
    """The features that a prediction kept, as a batch of one."""
    kept = prediction.decoder_features
    assert kept is not None
    levels = tuple(maps[None] for maps in kept.levels.values())
    return Start(levels, tuple(kept.levels), kept.masks[None], kept.mask_stride)


def own(batch: npt.NDArray[np.floating], index: int) -> npt.NDArray[np.floating]:
    """One image's part, without keeping the rest of a batch alive."""
    return batch[index] if len(batch) == 1 else batch[index].copy(order="K")
