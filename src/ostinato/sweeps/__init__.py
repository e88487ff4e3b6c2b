"""Sweeps that can be stopped and continued: their jobs, what is known of them, their sweepers."""
