"""Pieces of music: reading, writing, sounding and picturing them."""
