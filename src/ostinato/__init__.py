"""Ostinato: a configuration-driven experiment pipeline for symbolic music generation."""

__version__ = "0.1.0"
