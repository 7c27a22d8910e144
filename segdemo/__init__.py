"""See what a mask-classification segmentation network does with a photograph, and why.

The public surface; everything is loaded on first use, so that ``import segdemo`` stays light::

    predictor = segdemo.load_predictor()
    prediction = predictor(segdemo.load_image("street.jpg"))
    labels = segdemo.semantic(prediction).labels
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from segdemo.registration import register_backbones

if TYPE_CHECKING:
    from segdemo.errors import SegdemoError
    from segdemo.evaluation.evaluate import evaluate
    from segdemo.evaluation.photo import Evaluation
    from segdemo.images import load_image
    from segdemo.model.predictor import Predictor, load_predictor
    from segdemo.prediction import Prediction
    from segdemo.segmentation.instances import instances
    from segdemo.segmentation.panoptic import panoptic
    from segdemo.segmentation.semantic import class_probabilities, semantic

__version__ = "0.1.0"

_HOMES = {
    "Evaluation": "segdemo.evaluation.photo",
    "Prediction": "segdemo.prediction",
    "Predictor": "segdemo.model.predictor",
    "SegdemoError": "segdemo.errors",
    "class_probabilities": "segdemo.segmentation.semantic",
    "evaluate": "segdemo.evaluation.evaluate",
    "instances": "segdemo.segmentation.instances",
    "load_image": "segdemo.images",
    "load_predictor": "segdemo.model.predictor",
    "panoptic": "segdemo.segmentation.panoptic",
    "semantic": "segdemo.segmentation.semantic",
}

__all__ = [
    "Evaluation",
    "Prediction",
    "Predictor",
    "SegdemoError",
    "class_probabilities",
    "evaluate",
    "instances",
    "load_image",
    "load_predictor",
    "panoptic",
    "semantic",
]

register_backbones()


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
