"""Coverage of the intervals of `ostinato votes`: simulated listening tests with known strengths.

    python benchmarks/votes.py [--tests 500]

Each test draws strengths, lets listeners vote on pairs by the model of Davidson, and asks whether
the 95 % interval of each system holds its strength. Listeners may differ in taste: each has
strengths of its own around those of all, and the truth is what votes of very many of them come to.
Writes votes.json beside this file.
"""

import argparse
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.files import write_json
from ostinato.listening.strengths import (
    CONFIDENCE,
    Comparisons,
    estimate_strengths,
    fit_davidson,
    list_outcomes,
)

OUT = Path(__file__).with_name("votes.json")
SPREAD = 0.8  # standard deviation of strengths between systems, in log-odds
TIES = 0.5  # nu: a fifth of the votes on equal systems are ties
LISTENERS = 4000  # very many


@dataclass(frozen=True)
class Design:
    """A kind of test. taste: standard deviation of a listener's strengths around those of all."""

    systems: int
    votes: int
    voters: int
    taste: float


DESIGNS = (
    Design(2, 30, 1, 0.0),
    Design(3, 30, 3, 0.0),
    Design(3, 30, 10, 0.6),
    Design(3, 60, 5, 0.0),
    Design(4, 60, 6, 0.0),
    Design(4, 120, 5, 0.6),
    Design(4, 240, 10, 0.6),
    Design(5, 240, 12, 0.0),
    Design(6, 480, 20, 0.6),
    Design(6, 720, 30, 0.6),
)


def main() -> None:
    """Simulate all designs, print a line for each, and write votes.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", type=int, default=500, help="all designs together (500)")
    tests = parser.parse_args().tests
    begun, rows, seed = time.perf_counter(), [], 0
    for number, design in enumerate(DESIGNS):
        share = tests // len(DESIGNS) + (number < tests % len(DESIGNS))
        row = measure(design, range(seed, seed + share))
        seed += share
        print(row)
        rows.append(row)
    inside, intervals = (sum(row[name] for row in rows) for name in ("inside", "intervals"))
    figures = {
        "tests": seed,
        "intervals": intervals,
        "nominal": CONFIDENCE,
        "coverage": round(inside / intervals, 4),
        "minutes": round((time.perf_counter() - begun) / 60, 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "spread": SPREAD,
        "nu": TIES,
        "designs": rows,
    }
    print(f"{figures['coverage']:.1%} of {intervals} intervals in {seed} tests hold the strength")
    write_json(OUT, figures)


def measure(design: Design, seeds: range) -> dict[str, Any]:
    """Return how many intervals of tests, one a seed, hold the strength, and their widths."""
    inside, widths, drawn = 0, [], ""
    for seed in seeds:
        random = np.random.default_rng(seed)
        truth, votes = simulate(design, random)
        found = estimate_strengths(votes, seed)
        inside += int(((found.low <= truth) & (truth <= found.high)).sum())
        widths.append(float((found.high - found.low).mean()))
        drawn = found.drawn
    intervals = design.systems * len(seeds)
    return {
        **asdict(design),
        "drawn": drawn,
        "seeds": [seeds.start, seeds.stop - 1],
        "intervals": intervals,
        "inside": inside,
        "coverage": round(inside / intervals, 4),
        "width": round(float(np.mean(widths)), 3),
    }


def simulate(
    design: Design, random: np.random.Generator
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], Comparisons]:
    """Return true strengths (systems,), their mean 0, and the votes of a test."""
    pairs, outcomes = list_outcomes(design.systems)
    strengths = random.normal(0, SPREAD, design.systems)
    strengths -= strengths.mean()
    all_of_them = np.append(strengths, np.log(TIES))
    truth = strengths
    if design.taste:
        many = _tastes(all_of_them, design.taste, LISTENERS, random)
        expected = _chances(many, outcomes).mean(axis=0)  # (pairs, outcomes)
        # so many votes that the prior does not matter
        truth = fit_davidson(1e6 * expected[None], outcomes)[0, : design.systems]
    chances = _chances(_tastes(all_of_them, design.taste, design.voters, random), outcomes)
    voter = random.permutation(np.arange(design.votes) % design.voters)
    pair = np.arange(design.votes) % len(pairs)
    outcome = (random.random((design.votes, 1)) > chances[voter, pair].cumsum(axis=1)).sum(axis=1)
    first, second = np.array(pairs).T[:, pair]
    return truth, Comparisons(design.systems, voter, first, second, outcome)


def _tastes(parameters: Any, taste: float, voters: int, random: np.random.Generator) -> Any:
    """Return the parameters of each listener: (voters, parameters)."""
    own = np.tile(parameters, (voters, 1))
    own[:, :-1] += random.normal(0, taste, own[:, :-1].shape) if taste else 0
    return own


def _chances(parameters: Any, outcomes: Any) -> Any:
    """Return the chance of each outcome for each listener: (voters, pairs, outcomes)."""
    odds = np.exp(np.einsum("pok,vk->vpo", outcomes, parameters))
    return odds / odds.sum(axis=2, keepdims=True)


if __name__ == "__main__":
    main()
