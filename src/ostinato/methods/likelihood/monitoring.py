"""Monitor of sequence models: the metric that chooses the best weights."""

from ostinato.training.monitor import Monitor


def nats_per(unit: str) -> Monitor:
    """Return the negative log-likelihood by tokens or frames as a monitor."""
    return Monitor(f"nats_per_{unit}", f"nats per {unit}")
