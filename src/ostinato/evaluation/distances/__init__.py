"""Distances between two sets of pieces, each with an interval and with real music as control."""
