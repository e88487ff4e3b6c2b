"""Maximum likelihood: sequence models that predict the next token or frame."""

from ostinato.methods.likelihood.method import Likelihood

__all__ = ["Likelihood"]
