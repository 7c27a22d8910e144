"""A checkpoint in a portable format, with a card that says what the conversion did to its answers."""
