"""Training networks: trainer, callbacks, optimizers, checkpoints."""
