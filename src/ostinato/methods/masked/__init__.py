"""Any part of the music given any other: order-agnostic models of grids of voices."""

from ostinato.methods.masked.method import Masked

__all__ = ["Masked"]
