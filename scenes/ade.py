"""The ADE20K classes that the scenes draw, by index, and which of them are things."""

from enum import IntEnum

from segdemo.class_tables import ADE20K_STUFF


class Ade(IntEnum):
    """ADE20K class indices (0-based) of what the generator can draw."""

    WALL = 0
    BUILDING = 1
    SKY = 2
    FLOOR = 3
    TREE = 4
    CEILING = 5
    ROAD = 6
    BED = 7
    WINDOWPANE = 8
    GRASS = 9
    CABINET = 10
    SIDEWALK = 11
    PERSON = 12
    EARTH = 13
    DOOR = 14
    TABLE = 15
    MOUNTAIN = 16
    PLANT = 17
    CURTAIN = 18
    CHAIR = 19
    CAR = 20
    WATER = 21
    PAINTING = 22
    SOFA = 23
    SEA = 26
    MIRROR = 27
    RUG = 28
    ARMCHAIR = 30
    FENCE = 32
    ROCK = 34
    LAMP = 36
    CUSHION = 39
    SIGNBOARD = 43
    SAND = 46
    PATH = 52
    PILLOW = 57
    BOOKCASE = 62
    COFFEE_TABLE = 64
    FLOWER = 66
    BOOK = 67
    HILL = 68
    BENCH = 69
    BOAT = 76
    BUS = 80
    LIGHT = 82
    STREETLIGHT = 87
    TELEVISION = 89
    AIRPLANE = 90
    POLE = 93
    POT = 125
    ANIMAL = 126
    BICYCLE = 127
    LAKE = 128
    VASE = 135
    TRAFFIC_LIGHT = 136
    CLOCK = 148


STUFF = frozenset(label for label in Ade if label in ADE20K_STUFF)
"""Classes without instances in ADE20K-panoptic; every other class here is a thing."""
