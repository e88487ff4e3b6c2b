"""Metrics of one piece, a module for each group of them."""
