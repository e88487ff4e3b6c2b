"""Fitting networks: what is minimised, and how."""
