"""What a prediction means: label maps, segments, and where every pixel's answer came from."""
