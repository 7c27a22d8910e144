"""One reader for each way in which people have labelled pictures on disk."""
