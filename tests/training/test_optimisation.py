"""Learning rates by step and by layer, and the average of the weights."""

import pytest
import torch

from segdemo.training.config import StageConfig
from segdemo.training.criterion import LossWeights
from segdemo.training.network import TrainingNetwork
from segdemo.training.optimisation import RunningAverage, parameter_groups, rate_at
from segdemo.training.start import silence_decoder


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (StageConfig(steps=10, warmup=4, schedule="constant"), {0: 0.2, 3: 0.8, 4: 1.0, 9: 1.0}),
        (StageConfig(steps=10, warmup=0, schedule="constant", cooldown=5), {0: 1.0, 5: 1.0, 6: 0.8, 9: 0.2, 10: 0.0}),
        (StageConfig(steps=10, warmup=0, schedule="cosine"), {0: 1.0, 5: 0.5, 10: 0.0}),
        (StageConfig(steps=10, warmup=0, schedule="poly"), {0: 1.0, 5: 0.5**0.9, 10: 0.0}),
    ],
)
def test_schedules(stage: StageConfig, expected: dict[int, float]) -> None:
    factor = rate_at(stage)
    for step, value in expected.items():
        assert factor(step) == pytest.approx(value)


def test_backbone_stages_have_their_own_rates_and_norms_no_decay(tiny_network: TrainingNetwork) -> None:
    stage = StageConfig(steps=1, learning_rate=1.0, backbone_rate=0.5, layer_decay=0.1, weight_decay=0.3)
    groups = parameter_groups(tiny_network, stage)
    by_id = {id(p): (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    found = {name: by_id[id(parameter)] for name, parameter in tiny_network.named_parameters()}
    encoder = "network.model.pixel_level_module.encoder."
    last = [value for name, value in found.items() if f"{encoder}encoder.layers.3." in name or ".layers.3." in name]
    assert {lr for lr, _ in last if lr < 1} == {0.5}
    first = found[
        next(name for name in found if name.startswith(encoder) and "patch_embeddings.projection.weight" in name)
    ]
    assert first == (pytest.approx(0.5e-3), 0.3)
    assert found["network.class_predictor.weight"] == (1.0, 0.3)
    assert found["network.class_predictor.bias"] == (1.0, 0.0)
    assert found["network.model.transformer_module.queries_features.weight"] == (1.0, 0.0)
    assert len(found) == len(list(tiny_network.parameters()))


def test_what_the_initial_depth_does_not_use_is_frozen(tiny_network: TrainingNetwork) -> None:
    tiny_network.train_to("initial")
    features, masks, names = tiny_network.predictions(torch.randn(1, 3, 64, 64))
    assert len(masks) == len(names) == 1
    (features.mean() + masks[0].mean() + names[0].mean()).backward()
    decoder = tiny_network.network.model.transformer_module.decoder
    assert not any(parameter.requires_grad for parameter in decoder.layers.parameters())
    assert decoder.mask_predictor.mask_embedder.layers[0].layers[0].weight.grad is not None
    tiny_network.train_to("all")
    assert all(parameter.requires_grad for parameter in decoder.layers.parameters())


def test_a_silenced_decoder_predicts_what_the_initial_prediction_does(tiny_network: TrainingNetwork) -> None:
    silence_decoder(tiny_network.network)
    pixels = torch.randn(2, 3, 64, 96)
    _, masks, names = tiny_network.predictions(pixels)
    assert len(masks) == tiny_network.network.config.decoder_layers
    for layer in range(1, len(masks)):
        torch.testing.assert_close(masks[layer], masks[0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(names[layer], names[0], rtol=1e-3, atol=1e-3)
    tiny_network.train_to("initial")
    _, initial, _ = tiny_network.predictions(pixels)
    torch.testing.assert_close(initial[0], masks[0])


def test_all_layers_agree_with_the_librarys_forward(tiny_network: TrainingNetwork) -> None:
    pixels = torch.randn(1, 3, 64, 64)
    tiny_network.eval()
    outputs = tiny_network.network(pixel_values=pixels)
    _, masks, names = tiny_network.predictions(pixels)
    torch.testing.assert_close(masks[-1], outputs.masks_queries_logits)
    torch.testing.assert_close(names[-1], outputs.class_queries_logits)


def test_the_running_average_follows_and_resumes() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    average = RunningAverage(layer, decay=0.5)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    average.update(layer)
    # Early on the decay is (1 + steps) / (10 + steps), so that the start is forgotten soon.
    assert average.values["weight"].item() == pytest.approx(1 - 2 / 11)
    again = RunningAverage(layer, decay=0.5)
    again.load_state_dict(average.state_dict())
    for _ in range(60):
        again.update(layer)
    assert again.values["weight"].item() == pytest.approx(1.0)
    assert again.steps == 61


@pytest.fixture
def tiny_network() -> TrainingNetwork:
    from transformers import Mask2FormerForUniversalSegmentation

    from segdemo.training.architectures import config_of

    torch.manual_seed(0)
    labels = {0: "sky", 1: "grass", 2: "box"}
    return TrainingNetwork(Mask2FormerForUniversalSegmentation(config_of("nano", labels)), LossWeights())
