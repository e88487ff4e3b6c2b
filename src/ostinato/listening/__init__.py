"""Blind listening tests: pairs of samples on a page, votes in files, strengths with intervals."""
