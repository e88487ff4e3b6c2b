"""Monitors of segment models: the metrics that choose the best weights."""

from ostinato.training.monitor import Monitor

PARTS = ("train", "validation")
OVERLAP = Monitor("overlapping_area", "overlapping area", "overlapping area", higher=True)
OBJECTIVE = Monitor("objective_nats_per_token", "nats per token by the objective")
