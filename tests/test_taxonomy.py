"""Class tables: ADE20K under every spelling, other data sets, unknown labels, colours."""

import numpy as np
import pytest

from segdemo.class_tables import ADE20K, ADE20K_INDOORS, ADE20K_OUTDOORS, COCO_THINGS
from segdemo.colors import distinct_colors, instance_colors, oklab, srgb
from segdemo.taxonomy import ade20k, taxonomy_for


def test_ade20k_has_100_things_and_50_stuff_classes_in_distinct_colours() -> None:
    taxonomy = ade20k()
    assert (len(taxonomy), len(taxonomy.things), len(taxonomy.stuff)) == (150, 100, 50)
    assert taxonomy.name == "ADE20K"
    assert len(set(taxonomy.colors.values())) == 150
    assert [entry.index for entry in taxonomy.classes] == list(range(150))


@pytest.mark.parametrize(
    ("index", "name", "isthing"),
    [(0, "wall", False), (6, "road", False), (12, "person", True), (20, "car", True), (48, "skyscraper", False),
     (32, "fence", True), (53, "stairs", True), (59, "stairway", False), (127, "bicycle", True), (149, "flag", True)],
)  # fmt: skip
def test_ade20k_rows(index: int, name: str, isthing: bool) -> None:
    entry = ade20k()[index]
    assert (entry.name, entry.isthing) == (name, isthing)


def test_road_and_skyscraper_do_not_share_a_colour() -> None:
    assert ade20k().find("road").color != ade20k().find("skyscraper").color


def test_colours_are_far_enough_apart_to_be_told_apart() -> None:
    """In OKLab about 0.02 is a just noticeable difference; classes that are seen together are further apart."""
    lab = oklab([entry.color for entry in ade20k().classes])
    gaps = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + np.eye(150)
    assert gaps.min() > 0.035
    for left_out in (ADE20K_INDOORS, ADE20K_OUTDOORS):
        seen = [index for index in range(150) if index not in left_out]
        assert gaps[np.ix_(seen, seen)].min() > 0.07


@pytest.mark.parametrize("names", [("bicycle", "tree"), ("rock", "sand"), ("sand", "grass"), ("grass", "rock")])
def test_classes_of_a_landscape_are_no_twins(names: tuple[str, str]) -> None:
    first, second = oklab([ade20k().find(name).color for name in names])
    assert np.linalg.norm(first - second) > 0.15


def test_places_keep_apart_what_is_seen_together() -> None:
    """With two places, what only the other one sees may be near."""
    everywhere = distinct_colors(40)
    apart = distinct_colors(40, places=(1, 2) * 20)
    assert len(set(apart)) == 40
    gaps = [np.linalg.norm(lab[:, None] - lab[None], axis=-1) for lab in (oklab(everywhere), oklab(apart))]
    least = [(gap + np.eye(len(gap))).min() for gap in (gaps[0], gaps[1][::2, ::2], gaps[1][1::2, 1::2])]
    assert min(least[1:]) > 1.1 * least[0]


def test_a_subset_in_another_order_keeps_names_and_colours() -> None:
    full = ade20k()
    part = taxonomy_for({0: "car", 1: "sky", 2: "tree"})
    assert part.name == "ADE20K"
    assert part.colors == {0: full.find("car").color, 1: full.find("sky").color, 2: full.find("tree").color}
    assert part.things == {0}


def test_spellings_of_the_panoptic_checkpoints_are_recognised() -> None:
    spelled = {0: "road, route", 1: "window ", 2: "tv", 3: "pool", 4: "plane", 5: "screen door, screen", 6: "screen"}
    taxonomy = taxonomy_for(spelled)
    assert taxonomy.name == "ADE20K"
    assert taxonomy.stuff == {0, 3}
    assert [entry.name for entry in taxonomy.classes][:2] == ["road", "window"]
    assert "route" in taxonomy[0].synonyms
    assert len(set(taxonomy.colors.values())) == 7


SEGMENTER_SPELLINGS = {
    6: "road, route", 7: "bed", 8: "window ", 11: "sidewalk, pavement", 13: "earth, ground", 16: "mountain, mount",
    22: "painting, picture", 34: "rock, stone", 35: "wardrobe, closet, press", 37: "tub", 38: "rail",
    40: "base, pedestal, stand", 42: "column, pillar", 43: "signboard, sign",
    44: "chest of drawers, chest, bureau, dresser",
    50: "refrigerator, icebox", 51: "grandstand, covered stand", 55: "case, display case, showcase, vitrine",
    56: "pool table, billiard table, snooker table", 58: "screen door, screen", 59: "stairway, staircase",
    61: "bridge, span", 63: "blind, screen", 65: "toilet, can, commode, crapper, pot, potty, stool, throne",
    72: "palm, palm tree", 79: "hovel, hut, hutch, shack, shanty", 86: "awning, sunshade, sunblind", 87: "street lamp",
    89: "tv", 90: "plane", 92: "clothes", 94: "land, ground, soil",
    95: "bannister, banister, balustrade, balusters, handrail", 96: "escalator, moving staircase, moving stairway",
    97: "ottoman, pouf, pouffe, puff, hassock", 99: "buffet, counter, sideboard",
    100: "poster, posting, placard, notice, bill, card",
    105: "conveyer belt, conveyor belt, conveyer, conveyor, transporter",
    107: "washer, automatic washer, washing machine", 108: "plaything, toy", 109: "pool", 111: "barrel, cask",
    112: "basket, handbasket", 113: "falls", 116: "minibike, motorbike", 120: "food, solid food", 121: "step, stair",
    122: "tank, storage tank", 131: "blanket, cover", 133: "hood, exhaust hood", 138: "trash can",
    147: "glass, drinking glass",
}  # fmt: skip
"""Where the original panoptic checkpoints and OneFormer's class file differ from the first names."""

HUB_SPELLINGS = {7: "bed ", 8: "windowpane", 89: "television receiver"}
"""Where the semantic checkpoints' id2label on the hub differs from the first names."""


@pytest.mark.parametrize("spellings", [SEGMENTER_SPELLINGS, HUB_SPELLINGS], ids=["original", "hub"])
def test_published_spellings_have_ade20ks_colours_things_and_stuff(spellings: dict[int, str]) -> None:
    names = {index: spellings.get(index, row.split(",")[0]) for index, row in enumerate(ADE20K)}
    taxonomy = taxonomy_for(names)
    assert taxonomy.name == "ADE20K"
    assert taxonomy.colors == ade20k().colors
    assert taxonomy.stuff == ade20k().stuff
    assert taxonomy[7].name == "bed"


@pytest.mark.parametrize("separator", [", ", ",", "; ", ";", " , "])
def test_any_number_of_synonyms_in_any_punctuation_is_the_same_class(separator: str) -> None:
    for count in (1, 2, 3, 20):
        names = {index: separator.join(row.split(", ")[:count]).upper() for index, row in enumerate(ADE20K)}
        assert taxonomy_for(names).colors == ade20k().colors


def test_full_rows_are_recognised() -> None:
    taxonomy = taxonomy_for(dict(enumerate(ADE20K)))
    assert taxonomy.colors == ade20k().colors


def test_coco_and_cityscapes_split_by_their_own_tables() -> None:
    """A fence is a thing in ADE20K and stuff in Cityscapes."""
    city = taxonomy_for({0: "road", 1: "fence", 2: "vegetation", 3: "terrain", 4: "rider", 5: "traffic sign"})
    assert (city.name, city.things) == ("Cityscapes", {4})
    coco = taxonomy_for({0: "person", 1: "sky-other-merged", 2: "tree-merged", 3: "hair drier"})
    assert (coco.name, coco.stuff) == ("COCO", {1, 2})


def test_cocos_detection_list_has_gaps() -> None:
    """The hub's label file for COCO's objects counts as the annotations do, with "N/A" where a number is not used."""
    gaps = {0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    names = iter(COCO_THINGS)
    taxonomy = taxonomy_for({index: "N/A" if index in gaps else next(names) for index in range(91)})
    assert taxonomy.name == "COCO"
    assert (taxonomy[1].name, taxonomy[90].name, len(taxonomy.things)) == ("person", "toothbrush", 91)
    assert len(set(taxonomy.colors.values())) == 91


def test_unknown_labels_are_things_in_distinct_colours() -> None:
    taxonomy = taxonomy_for({index: f"part {index}" for index in range(1000)})
    assert taxonomy.name == "custom"
    assert taxonomy.stuff == frozenset()
    assert len(set(taxonomy.colors.values())) == 1000
    assert taxonomy_for({0: "x", 1: "x"})[0].color != taxonomy_for({0: "x", 1: "x"})[1].color


def test_find_knows_synonyms_and_says_when_there_is_none() -> None:
    assert ade20k().find("motorcar").name == "car"
    with pytest.raises(KeyError):
        ade20k().find("unicorn")


def test_oklab_of_white_and_back() -> None:
    assert np.allclose(oklab((255, 255, 255)), (1, 0, 0), atol=1e-3)
    colors = np.array([[255, 0, 0], [12, 200, 99], [0, 0, 0]])
    assert np.array_equal(srgb(oklab(colors)), colors)


@pytest.mark.parametrize("base", [(220, 30, 60), (128, 128, 128), (255, 255, 0), (10, 10, 10)])
@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_instances_get_distinct_shades_of_their_class(base: tuple[int, int, int], count: int) -> None:
    shades = instance_colors(base, count)
    assert len(shades) == len(set(shades)) == count
    assert shades[:1] == (base,)[:count]


def test_first_instance_shades_keep_the_hue() -> None:
    lab = oklab(instance_colors((220, 30, 60), 8))
    hue = np.arctan2(lab[:, 2], lab[:, 1])
    assert np.abs(np.angle(np.exp(1j * (hue - hue[0])))).max() < 0.45


def test_distinct_colours_avoid_those_to_keep() -> None:
    keep = ((255, 0, 0), (0, 0, 255))
    assert not set(distinct_colors(30, keep=keep)) & set(keep)
    assert distinct_colors(0) == ()
