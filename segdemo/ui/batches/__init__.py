"""Visitors' batches: many photos at once, bounded, in turn with everybody else."""
