"""What a label says where it names no class: in files, and in memory."""

IGNORE = 255
"""In 8-bit index maps: no label."""

VOID = -1
"""Nobody knows what is there: no label."""
NOTHING = -2
"""It is known to be of none of the classes."""
OTHER = -3
"""It is of none of the classes that this data annotates, and may be of another."""
