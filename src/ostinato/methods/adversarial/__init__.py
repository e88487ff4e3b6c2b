"""A generator against a critic: GANs of whole segments."""

from ostinato.methods.adversarial.method import Adversarial

__all__ = ["Adversarial"]
