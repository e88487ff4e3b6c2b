"""Corpora: fetching, reading, storing and splitting pieces."""
