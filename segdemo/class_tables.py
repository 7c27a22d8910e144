"""The class tables of public datasets: names with synonyms, and which classes are stuff (countless)."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(";"))


ADE20K = _names(
    """
    wall; building, edifice; sky; floor, flooring; tree; ceiling; road, route; bed; windowpane, window; grass;
    cabinet; sidewalk, pavement; person, individual, someone, somebody, mortal, soul; earth, ground; door, double
    door; table; mountain, mount; plant, flora, plant life; curtain, drape, drapery, mantle, pall; chair; car, auto,
    automobile, machine, motorcar; water; painting, picture; sofa, couch, lounge; shelf; house; sea; mirror; rug,
    carpet, carpeting; field; armchair; seat; fence, fencing; desk; rock, stone; wardrobe, closet, press; lamp;
    bathtub, bathing tub, bath, tub; railing, rail; cushion; base, pedestal, stand; box; column, pillar; signboard,
    sign; chest of drawers, chest, bureau, dresser; counter; sand; sink; skyscraper; fireplace, hearth, open
    fireplace; refrigerator, icebox; grandstand, covered stand; path; stairs, steps; runway; case, display case,
    showcase, vitrine; pool table, billiard table, snooker table; pillow; screen door, screen; stairway, staircase;
    river; bridge, span; bookcase; blind, screen; coffee table, cocktail table; toilet, can, commode, crapper, pot,
    potty, stool, throne; flower; book; hill; bench; countertop; stove, kitchen stove, range, kitchen range, cooking
    stove; palm, palm tree; kitchen island; computer, computing machine, computing device, data processor,
    electronic computer, information processing system; swivel chair; boat; bar; arcade machine; hovel, hut, hutch,
    shack, shanty; bus, autobus, coach, charabanc, double-decker, jitney, motorbus, motorcoach, omnibus, passenger
    vehicle; towel; light, light source; truck, motortruck; tower; chandelier, pendant, pendent; awning, sunshade,
    sunblind; streetlight, street lamp; booth, cubicle, stall, kiosk; television, television receiver, television
    set, tv, tv set, idiot box, boob tube, telly, goggle box; airplane, aeroplane, plane; dirt track; apparel,
    wearing apparel, dress, clothes; pole; land, ground, soil; bannister, banister, balustrade, balusters, handrail;
    escalator, moving staircase, moving stairway; ottoman, pouf, pouffe, puff, hassock; bottle; buffet, counter,
    sideboard; poster, posting, placard, notice, bill, card; stage; van; ship; fountain; conveyer belt, conveyor
    belt, conveyer, conveyor, transporter; canopy; washer, automatic washer, washing machine; plaything, toy;
    swimming pool, swimming bath, natatorium; stool; barrel, cask; basket, handbasket; waterfall, falls; tent,
    collapsible shelter; bag; minibike, motorbike; cradle; oven; ball; food, solid food; step, stair; tank, storage
    tank; trade name, brand name, brand, marque; microwave, microwave oven; pot, flowerpot; animal, animate being,
    beast, brute, creature, fauna; bicycle, bike, wheel, cycle; lake; dishwasher, dish washer, dishwashing machine;
    screen, silver screen, projection screen; blanket, cover; sculpture; hood, exhaust hood; sconce; vase; traffic
    light, traffic signal, stoplight; tray; ashcan, trash can, garbage can, wastebin, ash bin, ash-bin, ashbin,
    dustbin, trash barrel, trash bin; fan; pier, wharf, wharfage, dock; crt screen; plate; monitor, monitoring
    device; bulletin board, notice board; shower; radiator; glass, drinking glass; clock; flag
    """
)
"""The 150 classes of ADE20K scene parsing in index order, synonyms after commas (Zhou et al., CVPR 2017)."""

# fmt: off
ADE20K_STUFF = frozenset({
    0, 1, 2, 3, 4, 5, 6, 9, 11, 13, 16, 17, 21, 25, 26, 28, 29, 34, 40, 46, 48, 51, 52, 54, 59, 60, 61, 63,
    68, 77, 79, 84, 91, 94, 96, 99, 100, 101, 105, 106, 109, 113, 114, 117, 122, 128, 131, 140, 141, 145,
})
# fmt: on
"""Indices of the 50 stuff classes of ADE20K-panoptic; the other 100 are things."""

# fmt: off
ADE20K_OUTDOORS = frozenset({
    1, 2, 4, 6, 9, 11, 13, 16, 20, 21, 25, 26, 29, 32, 34, 46, 48, 51, 52, 54, 60, 61, 68, 72, 76, 79, 80, 83, 84, 86,
    87, 90, 91, 93, 94, 102, 103, 104, 109, 113, 114, 116, 122, 126, 127, 128, 136, 140,
})
ADE20K_INDOORS = frozenset({
    3, 5, 7, 10, 14, 15, 18, 22, 23, 24, 27, 28, 30, 33, 35, 36, 37, 39, 44, 45, 47, 49, 50, 55, 56, 57, 58, 62, 63,
    64, 65, 67, 70, 71, 73, 74, 75, 77, 78, 81, 82, 85, 89, 92, 97, 98, 99, 101, 105, 107, 108, 110, 112, 117, 118,
    120, 121, 124, 125, 129, 130, 131, 133, 134, 135, 137, 139, 141, 142, 143, 144, 145, 146, 147, 148,
})
# fmt: on
"""Indices of the classes that are mostly seen under the sky, or mostly under a roof; the others are seen in both."""

COCO_THINGS = _names(
    """
    person; bicycle; car; motorcycle; airplane; bus; train; truck; boat; traffic light; fire hydrant; stop sign;
    parking meter; bench; bird; cat; dog; horse; sheep; cow; elephant; bear; zebra; giraffe; backpack; umbrella;
    handbag; tie; suitcase; frisbee; skis; snowboard; sports ball; kite; baseball bat; baseball glove; skateboard;
    surfboard; tennis racket; bottle; wine glass; cup; fork; knife; spoon; bowl; banana; apple; sandwich; orange;
    broccoli; carrot; hot dog; pizza; donut; cake; chair; couch; potted plant; bed; dining table; toilet; tv;
    laptop; mouse; remote; keyboard; cell phone; microwave; oven; toaster; sink; refrigerator; book; clock; vase;
    scissors; teddy bear; hair drier; toothbrush
    """
)
"""The 80 things of COCO (Lin et al., ECCV 2014)."""

COCO_STUFF = _names(
    """
    banner; blanket; bridge; cardboard; counter; curtain; door-stuff; floor-wood; flower; fruit; gravel; house;
    light; mirror-stuff; net; pillow; platform; playingfield; railroad; river; road; roof; sand; sea; shelf; snow;
    stairs; tent; towel; wall-brick; wall-stone; wall-tile; wall-wood; water-other; window-blind; window-other;
    tree-merged; fence-merged; ceiling-merged; sky-other-merged; cabinet-merged; table-merged; floor-other-merged;
    pavement-merged; mountain-merged; grass-merged; dirt-merged; paper-merged; food-other-merged;
    building-other-merged; rock-merged; wall-other-merged; rug-merged
    """
)
"""The 53 stuff classes of COCO panoptic, as its checkpoints spell them (Kirillov et al., CVPR 2019)."""

CITYSCAPES_THINGS = _names(
    """
    person; rider; car; truck; bus; train; motorcycle; bicycle
    """
)
"""The 8 things of Cityscapes (Cordts et al., CVPR 2016)."""

# fmt: off
CITYSCAPES: dict[str, tuple[int, tuple[int, int, int]]] = {
    "road": (7, (128, 64, 128)), "sidewalk": (8, (244, 35, 232)), "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)), "fence": (13, (190, 153, 153)), "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)), "traffic sign": (20, (220, 220, 0)), "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)), "sky": (23, (70, 130, 180)), "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)), "car": (26, (0, 0, 142)), "truck": (27, (0, 0, 70)), "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)), "motorcycle": (32, (0, 0, 230)), "bicycle": (33, (119, 11, 32)),
}
# fmt: on
"""Cityscapes' label id and colour of each class, in the order of the train ids (cityscapesScripts, ``labels.py``)."""
