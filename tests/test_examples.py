"""What the demo offers to look at: photographs of installed packages before scenes of its own."""

import io
from pathlib import Path

import pytest
from PIL import Image

from segdemo import examples
from segdemo.errors import SegdemoError
from segdemo.examples import PHOTOGRAPHS, SCENES, THUMBNAIL_SIZE, Photograph, example, offered
from segdemo.images import load_image


def test_photographs_come_first_and_drawings_are_called_so() -> None:
    drawn = [shown.drawn for shown in offered()]
    assert drawn == sorted(drawn)
    assert drawn.count(False) == len(PHOTOGRAPHS) >= 4
    assert len({shown.id for shown in offered()}) == len(offered())


@pytest.mark.parametrize("shown", PHOTOGRAPHS, ids=[shown.id for shown in PHOTOGRAPHS])
def test_photographs_are_opened_where_they_are_installed(shown: Photograph) -> None:
    assert shown.there
    assert "site-packages" in shown.image.parts or shown.package in shown.image.parts
    assert min(load_image(shown.image).shape[:2]) >= 256
    with Image.open(io.BytesIO(shown.small()), formats=("JPEG",)) as small:
        assert small.size == THUMBNAIL_SIZE[::-1]
    assert example(shown.id) is shown


def test_what_an_installed_version_lacks_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    for package, file in (("gradio", "nowhere.jpg"), ("no_such_package", "photo.jpg")):
        lacking = Photograph("other", "Other", "Another photograph.", package, file)
        assert not lacking.there
        with pytest.raises(SegdemoError, match=f"{lacking.package} does not bring {lacking.file}"):
            _ = lacking.image
        monkeypatch.setattr(examples, "PHOTOGRAPHS", (lacking,))
        assert offered.__wrapped__() == SCENES


def test_no_photograph_lies_in_the_project() -> None:
    root = Path(examples.__file__).parents[1]
    assert not any(shown.image.is_relative_to(root / "assets") for shown in PHOTOGRAPHS)


# What a person sees at places of the photographs: x and y as shares of the width and the height.
SEEN = {
    "tower": {"sky": (0.12, 0.4), "building": (0.5, 0.62), "tree": (0.85, 0.04)},
    "officer": {"person": (0.55, 0.5), "wall": (0.92, 0.2)},
    "cheetah": {"animal": (0.5, 0.5), "grass": (0.95, 0.1)},
    "sprint": {"animal": (0.53, 0.47)},
}


@pytest.mark.slow
@pytest.mark.parametrize("shown", PHOTOGRAPHS, ids=[shown.id for shown in PHOTOGRAPHS])
def test_the_network_is_right_about_what_the_photographs_show(shown: Photograph) -> None:
    from segdemo.checkpoints import EMBEDDED_ID
    from segdemo.model.predictor import load_predictor
    from segdemo.segmentation import semantic

    predictor = load_predictor(EMBEDDED_ID)
    labels = semantic(predictor(load_image(shown.image))).labels
    height, width = labels.shape
    for name, (x, y) in SEEN[shown.id].items():
        assert predictor.taxonomy[int(labels[int(y * height), int(x * width)])].name == name
