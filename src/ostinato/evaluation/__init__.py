"""Measures of music, set against set, and the report of a run."""
