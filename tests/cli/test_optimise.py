"""The command that converts a checkpoint: which shapes it takes; ``tests/model/test_openvino.py`` runs it."""

import pytest

from segdemo.cli.optimise import parse_shape
from segdemo.errors import SegdemoError


@pytest.mark.parametrize("text", ["640", "640x", "640x865", "0x32", "axb", "32x2592"])
def test_shapes_that_are_none(text: str) -> None:
    with pytest.raises(SegdemoError, match="input size"):
        parse_shape(text)


def test_a_shape() -> None:
    assert parse_shape("640X864") == (640, 864)
