"""A lower bound of the likelihood: variational autoencoders of whole segments."""

from ostinato.methods.variational.method import Variational

__all__ = ["Variational"]
