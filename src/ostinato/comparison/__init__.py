"""Runs side by side: rows of runs that differ in their seed alone, with intervals and tests."""
