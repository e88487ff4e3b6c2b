"""What choosing the best weights of a segment model goes by."""

from ostinato.training.monitor import Monitor

PARTS = ("train", "validation")
OVERLAP = Monitor("overlapping_area", "overlapping area", "overlapping area", higher=True)
OBJECTIVE = Monitor("objective_nats_per_token", "nats per token by the objective")
