"""The base of whole networks, as opposed to their parts."""

from torch import nn


class Network(nn.Module):
    """A network that a config names as its model, and that a method trains."""
