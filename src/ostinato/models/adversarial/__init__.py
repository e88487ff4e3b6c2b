"""Generators and critics, and what they are fitted by."""
