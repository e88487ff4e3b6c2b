"""Simulated listening tests: the intervals hold the strengths that the listeners had."""

from votes import Design, measure


def test_intervals_hold_known_strengths() -> None:
    row = measure(Design(3, 60, 6, 0.3), range(1000, 1040))
    assert row["coverage"] >= 0.93
