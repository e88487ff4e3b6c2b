"""Pieces as arrays of integers, and back."""
