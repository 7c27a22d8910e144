"""Pixels for people: class colours over the photo, heatmaps, and their colour tables."""
