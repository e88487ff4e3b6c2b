"""Likelihood of the next token given those before it and all that is given further on."""

from ostinato.methods.anticipation.method import Anticipation

__all__ = ["Anticipation"]
