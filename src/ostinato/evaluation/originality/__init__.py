"""Originality: what passages of new music stand in the training pieces."""
