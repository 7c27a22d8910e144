"""Hostile hands and many visitors, against a server of one's own on 127.0.0.1: what each does to it."""
