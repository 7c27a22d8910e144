"""A quick look before a pass that takes long: the same network at a short side of 256 pixels."""

from collections.abc import Hashable

from segdemo.model.predictor import Predictor
from segdemo.model.preprocessing import SizeOption
from segdemo.prediction import Prediction, Size
from segdemo.results.job import Job
from segdemo.settings import settings

SHORT_SIDE = 256
"""Input size of a preview, in pixels."""
PAYS = 2.5
"""A preview is made of inputs with at least so many times its own pixels: else the full pass is as soon there."""


class Previews:
    """Knows from earlier passes how long the next one will take, and so whether a preview is worth its time."""

    def __init__(self) -> None:
        self._rates: dict[Hashable, float] = {}
        """Seconds per input pixel of the last pass, by network."""

    def note(self, predictor: Predictor, prediction: Prediction) -> None:
        """Remember how long a pass took."""
        height, width = prediction.input_size
        self._rates[_network(predictor)] = prediction.seconds.get("forward", 0.0) / (height * width)

    def wanted(self, predictor: Predictor, image_size: Size, size: SizeOption, job: Job) -> bool:
        """Whether to show a preview: the pass will take longer than the host allows for, and nobody else waits.

        A network that has not run yet is given one, which says how long it takes.
        """
        if getattr(predictor.preprocessing, "fixed", ""):
            return False
        (height, width), _ = predictor.preprocessing.sizes(image_size, size)
        (low, narrow), _ = predictor.preprocessing.sizes(image_size, SHORT_SIDE)
        if height * width < PAYS * low * narrow or job.host.cores.others_wait(job.visitor, job.client):
            return False
        rate = self._rates.get(_network(predictor))
        limit = settings().preview_seconds
        return limit != float("inf") and (rate is None or rate * height * width > limit)


def _network(predictor: Predictor) -> Hashable:
    return predictor.checkpoint.id, predictor.engine.name, predictor.engine.precision, predictor.engine.device
