"""Decoding: from a trained network to new sequences."""
