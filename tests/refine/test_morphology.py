"""Morphology of label maps against scipy, against the rule pixel by pixel, and on hand-worked maps."""

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segdemo.errors import SegdemoError
from segdemo.refine import MorphologyOptions, kernel_element, morphology
from tests.picking import rest_slow

OPERATIONS = ("erode", "dilate", "open", "close")
KERNELS = [("square", 3), ("ellipse", 5), ("cross", 5), ("square", 7)]


def blobs(seed: int, labels: int = 4, size: tuple[int, int] = (26, 31)) -> tuple[Any, Any]:
    """A map of blobs with a little salt, and probabilities that mostly agree with it."""
    rng = np.random.default_rng(seed)
    fields = np.stack([ndimage.gaussian_filter(rng.standard_normal(size), 2.5) for _ in range(labels)])
    result = fields.argmax(0)
    salt = rng.random(size) < 0.04
    result[salt] = rng.integers(0, labels, int(salt.sum()))
    odds = np.exp(8 * fields + 0.3 * rng.standard_normal(fields.shape))
    return result, (odds / odds.sum(0)).astype(np.float32)


def binary(operation: str, mask: Any, element: Any) -> Any:
    """Scipy's operation on a photo that goes on beyond its border, without the mask."""
    reach = len(element) // 2
    structure = element.astype(bool)
    if operation == "erode":
        return ndimage.binary_erosion(mask, structure, border_value=1)
    if operation == "dilate":
        return ndimage.binary_dilation(mask, structure)
    if operation == "open":
        return ndimage.binary_dilation(ndimage.binary_erosion(mask, structure, border_value=1), structure)
    return ndimage.binary_closing(np.pad(mask, 2 * reach), structure)[2 * reach : -2 * reach, 2 * reach : -2 * reach]


def by_the_rule(labels: Any, options: MorphologyOptions, probabilities: Any, chosen: list[int]) -> tuple[Any, Any]:
    """The docstring of `morphology`, pixel by pixel; and where only nearness decides, told apart by -1."""
    element = kernel_element(options)
    reach = len(element) // 2
    offsets = np.argwhere(element) - reach
    masks = {c: binary(options.operation, labels == c, element) for c in np.unique(labels) if c in chosen}
    result = labels.copy()
    lost = np.zeros(labels.shape, bool)
    for c, mask in masks.items():
        lost |= (labels == c) & ~mask
    for y, x in np.ndindex(labels.shape):
        own = labels[y, x]
        if options.operation in ("dilate", "close"):
            claimants = [c for c, mask in masks.items() if mask[y, x] or c == own]
            if claimants:
                result[y, x] = max(claimants, key=lambda c: probabilities[c, y, x])
        elif lost[y, x]:
            around = [(y + dy, x + dx) for dy, dx in offsets]
            inside = [p for p in around if 0 <= p[0] < labels.shape[0] and 0 <= p[1] < labels.shape[1]]
            offers = {labels[p] for p in inside if not lost[p]} - {own}
            result[y, x] = max(offers, key=lambda c: probabilities[c, y, x]) if offers else -1
    return result, lost


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("shape", "size"), KERNELS)
def test_one_class_is_treated_like_a_binary_mask(operation: Any, shape: Any, size: int) -> None:
    labels, probabilities = blobs(1)
    options = MorphologyOptions(operation, size, shape, classes=(2,))
    found = morphology(labels, options, probabilities=probabilities)
    np.testing.assert_array_equal(found == 2, binary(operation, labels == 2, kernel_element(options)))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("shape", "size"), KERNELS)
@pytest.mark.parametrize("chosen", [(0, 1, 2, 3), (1, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_the_rule_pixel_by_pixel(operation: Any, shape: Any, size: int, chosen: tuple[int, ...], seed: int) -> None:
    labels, probabilities = blobs(seed)
    options = MorphologyOptions(operation, size, shape, classes=chosen)
    found = morphology(labels, options, probabilities=probabilities)
    expected, lost = by_the_rule(labels, options, probabilities, list(chosen))
    decided = expected >= 0
    np.testing.assert_array_equal(found[decided], expected[decided])
    distance = {c: ndimage.distance_transform_edt(~((labels == c) & ~lost)) for c in np.unique(labels[~lost])}
    for y, x in np.argwhere(~decided):
        # The 5 x 5 chamfer distance is within a few percent of the Euclidean one.
        assert distance[found[y, x]][y, x] <= 1.08 * min(d[y, x] for d in distance.values())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_more_labels_than_one_integer_has_bits(operation: Any) -> None:
    labels, probabilities = blobs(5, labels=150, size=(30, 40))
    assert len(np.unique(labels)) > 64
    chosen = list(range(0, 150, 2))
    options = MorphologyOptions(operation, 5, classes=tuple(chosen))
    found = morphology(labels, options, probabilities=probabilities)
    expected, _ = by_the_rule(labels, options, probabilities, chosen)
    np.testing.assert_array_equal(found[expected >= 0], expected[expected >= 0])


@pytest.mark.parametrize(
    ("shape", "size"), rest_slow([("ellipse", 31), ("square", 101), ("cross", 21)], ("square", 101).__ne__)
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_kernels_as_large_as_the_map(operation: Any, shape: Any, size: int) -> None:
    rows, columns = np.indices((40, 30))
    labels = ((rows - 20) ** 2 + (columns - 12) ** 2 < 150).astype(int)
    options = MorphologyOptions(operation, size, shape, classes=(1,))
    expected = binary(operation, labels == 1, kernel_element(options))
    np.testing.assert_array_equal(morphology(labels, options) == 1, expected)


def test_eroding_everything_leaves_a_straight_boundary() -> None:
    labels = np.repeat([[3] * 10 + [7] * 10], 12, axis=0)
    probabilities = np.stack([labels == 3, labels == 7]).astype(np.float32)
    options = MorphologyOptions("erode", 7, "square")
    np.testing.assert_array_equal(morphology(labels, options, probabilities=probabilities, classes=[3, 7]), labels)


def test_the_more_probable_claimant_wins_and_no_one_else_is_claimed_from() -> None:
    labels = np.array([[1, 0, 2, 2, 5]])
    probabilities = np.zeros((3, 1, 5), np.float16)
    probabilities[1], probabilities[2] = 0.2, 0.6
    options = MorphologyOptions("dilate", 3, "square", classes=(1, 2))
    found = morphology(labels, options, probabilities=probabilities)
    np.testing.assert_array_equal(found, [[1, 2, 2, 2, 2]])


def test_without_probabilities_a_label_stays_where_it_may() -> None:
    labels = np.array([[1, 1, 1, 4, 4, 4]])
    np.testing.assert_array_equal(morphology(labels, MorphologyOptions("dilate", 3)), labels)
    chosen = MorphologyOptions("dilate", 3, "square", classes=(4,))
    np.testing.assert_array_equal(morphology(labels, chosen), [[1, 1, 4, 4, 4, 4]])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("smallest", [2, 6, 20])
def test_small_regions_go(seed: int, smallest: int) -> None:
    labels, probabilities = blobs(seed)
    found = morphology(labels, MorphologyOptions(classes=(1,), smallest_region=smallest), probabilities=probabilities)
    regions, count = ndimage.label(labels == 1, np.ones((3, 3)))
    sizes = ndimage.sum_labels(labels == 1, regions, range(count + 1))
    np.testing.assert_array_equal(found == 1, (sizes >= smallest)[regions] & (labels == 1))
    np.testing.assert_array_equal(found[labels != 1], labels[labels != 1])


@pytest.mark.parametrize("seed", range(3))
def test_holes_are_filled(seed: int) -> None:
    labels, _ = blobs(seed)
    found = morphology(labels, MorphologyOptions(classes=(1,), largest_hole=10_000))
    np.testing.assert_array_equal(found == 1, ndimage.binary_fill_holes(labels == 1))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("largest", [1, 6, 40, 400])
def test_holes_of_every_class_at_once(seed: int, largest: int) -> None:
    labels, _ = blobs(seed)
    expected, decided = labels.copy(), np.zeros(labels.shape, int)
    for c in np.unique(labels):
        regions, count = ndimage.label(labels != c)
        border = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
        for region in set(range(1, count + 1)) - set(border.tolist()):
            hole = regions == region
            if hole.sum() <= largest:
                wins = hole & (decided < hole.sum())
                expected[wins], decided[wins] = c, hole.sum()
    np.testing.assert_array_equal(morphology(labels, MorphologyOptions(largest_hole=largest)), expected)


def test_of_nested_holes_the_outermost_decides_and_size_counts() -> None:
    labels = np.zeros((9, 9), int)
    labels[1:8, 1:8] = 1
    labels[2:7, 2:7] = 2
    labels[4, 4] = 3
    both = morphology(labels, MorphologyOptions(largest_hole=25, classes=(1, 2)))
    assert (both[1:8, 1:8] == 1).all()
    inner = morphology(labels, MorphologyOptions(largest_hole=24))
    assert inner[4, 4] == 2
    assert inner[3, 3] == 2
    assert inner[1, 1] == 1
    assert inner[0, 0] == 0


def test_what_touches_the_border_is_no_hole() -> None:
    labels = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]])
    np.testing.assert_array_equal(morphology(labels, MorphologyOptions(largest_hole=9)), labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64])
def test_types_and_odd_labels_are_kept(dtype: Any) -> None:
    labels = np.array([[255 if dtype is np.uint8 else -1, 9, 9], [9, 9, 9], [9, 9, 9]], dtype)
    found = morphology(labels, MorphologyOptions("open", 3, "square"))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.full((3, 3), 9, dtype))


def test_many_labels_and_huge_ones() -> None:
    labels = np.arange(400).reshape(20, 20) * 1_000_003
    labels[5:15, 5:15] = 7_000_000
    found = morphology(labels, MorphologyOptions("open", 3, "square", classes=(7_000_000,)))
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("operation", ["erode", "open"])
def test_when_nothing_would_survive_nothing_changes(operation: Any) -> None:
    labels = np.indices((6, 6)).sum(0) % 2
    np.testing.assert_array_equal(morphology(labels, MorphologyOptions(operation, 3)), labels)


def test_the_defaults_do_nothing() -> None:
    labels, _ = blobs(0)
    assert not MorphologyOptions().active
    np.testing.assert_array_equal(morphology(labels, MorphologyOptions()), labels)
    assert not MorphologyOptions("erode", 5, classes=()).active
    assert MorphologyOptions("erode", 5).active


def test_people_get_a_sentence() -> None:
    labels, probabilities = blobs(0)
    with pytest.raises(SegdemoError, match="odd number"):
        MorphologyOptions("erode", 4)
    with pytest.raises(SegdemoError, match="one of none, erode"):
        MorphologyOptions("shrink")  # type: ignore[arg-type]
    with pytest.raises(SegdemoError, match="0 or more"):
        MorphologyOptions(smallest_region=-1)
    with pytest.raises(SegdemoError, match="map of integers"):
        morphology(labels.astype(float), MorphologyOptions())
    with pytest.raises(SegdemoError, match="class indices"):
        morphology(labels, MorphologyOptions(), probabilities=probabilities, classes=[1, 2])
    with pytest.raises(SegdemoError, match="give \\(L, H, W\\)"):
        morphology(labels, MorphologyOptions(), probabilities=probabilities[:, 1:])
