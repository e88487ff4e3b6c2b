"""Variational autoencoders of segments."""
