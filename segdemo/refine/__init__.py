"""Refinement of label maps: morphology, a dense CRF, and what either of them changed."""
