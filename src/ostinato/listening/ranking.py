"""Ranking by votes: a table of systems by strength, on the terminal and as CSV."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from ostinato.errors import UserError
from ostinato.listening.protocol import Answer
from ostinato.listening.strengths import connected_groups, estimate_strengths
from ostinato.listening.votes import Votes
from ostinato.wording import agree, quantity

FEWEST_VOTES = 30  # that compare: of fewer, Music Arena ranks nothing either


@dataclass(frozen=True)
class Standing:
    """A system's strength in log-odds with its 95 % interval, and how its votes went.

    share: how often it would be preferred to one of average strength, ties left out. both_bad:
    votes that found it and the other bad, which say nothing of its strength.
    """

    system: str
    strength: float
    low: float
    high: float
    share: float
    wins: int
    losses: int
    ties: int
    both_bad: int


@dataclass(frozen=True)
class Ranking:
    """Systems, the strongest first. drawn: what the bootstrap drew, `voters` or `votes`."""

    standings: list[Standing]
    votes: int
    voters: int
    drawn: str


def count_missing(votes: Votes) -> int:
    """Return how many more votes a table needs."""
    return max(0, FEWEST_VOTES - len(votes.comparisons()))


def rank_systems(votes: Votes, names: Mapping[str, str]) -> Ranking:
    """Return the ranking; raises `UserError` where votes do not join all systems."""
    compared = votes.comparisons()
    groups = connected_groups(compared)
    if len(groups) > 1:
        shown = "; ".join(", ".join(names[votes.systems[i]] for i in group) for group in groups)
        raise UserError(
            f"no vote compares systems of one of these groups with those of another ({shown}): "
            "they cannot be ranked together before some does."
        )
    found = estimate_strengths(compared)
    standings = [
        Standing(
            names[id_],
            round(float(found.value[row]), 4),
            round(float(found.low[row]), 4),
            round(float(found.high[row]), 4),
            round(1 / (1 + math.exp(-float(found.value[row]))), 4),
            **_tally(votes, id_),
        )
        for row, id_ in enumerate(votes.systems)
    ]
    standings.sort(key=lambda standing: -standing.strength)
    return Ranking(standings, len(votes.all()), len(votes.by_voter), found.drawn)


def draw_table(ranking: Ranking) -> Table:
    """Return the ranking for the terminal."""
    bad = sum(standing.both_bad for standing in ranking.standings) // 2
    table = Table(
        title=f"{quantity(ranking.votes, 'vote')} of {quantity(ranking.voters, 'listener')}, "
        f"{bad} of them both bad",
        title_justify="left",
        caption=explain_intervals(ranking),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("system", overflow="fold", min_width=12)
    table.add_column("strength", justify="right")
    table.add_column("95 % interval", justify="right", no_wrap=True)
    for name in ("beats average", "won", "lost", "ties", "both bad"):
        table.add_column(name, justify="right")
    for one in ranking.standings:
        table.add_row(
            Text(one.system),
            f"{one.strength:+.2f}",
            f"{one.low:+.2f} to {one.high:+.2f}",
            f"{one.share:.0%}",
            *(str(count) for count in (one.wins, one.losses, one.ties, one.both_bad)),
        )
    return table


def explain_intervals(ranking: Ranking) -> str:
    """Return what strengths and intervals are, in words."""
    about = (
        "other listeners would move the strengths that far"
        if ranking.drawn == "voters"
        else f"so few listeners ({ranking.voters}) stand for no others: more votes of the same "
        "would move the strengths that far"
    )
    return (
        "Strengths are log-odds by the model of Davidson (1970), their mean is 0; intervals are "
        f"from 1,000 bootstraps over {ranking.drawn}: {about}."
    )


def write_csv(ranking: Ranking) -> str:
    """Return the ranking as CSV, a row a system."""
    text = io.StringIO()
    columns = [*Standing.__dataclass_fields__, "drawn"]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for standing in ranking.standings:
        writer.writerow({**vars(standing), "drawn": ranking.drawn})
    return text.getvalue()


def explain_missing(votes: Votes) -> str:
    """Return the sentence that stands in for the table while votes are too few."""
    compared, bad, missing = len(votes.comparisons()), votes.both_bad, count_missing(votes)
    return (
        f"{quantity(compared, 'vote')} {agree(compared, 'compares', 'compare')} systems so far"
        + (f", and {bad} found both bad" if bad else "")
        + f": {missing} more {agree(missing, 'is', 'are')} needed before there is a table "
        f"({FEWEST_VOTES})."
    )


def _tally(votes: Votes, system: str) -> dict[str, int]:
    """Return how often a system won, lost, tied, and was found bad with the other."""
    counts = {"wins": 0, "losses": 0, "ties": 0, "both_bad": 0}
    for vote in votes.all():
        sides = {Answer.A: vote.left.system, Answer.B: vote.right.system}
        if system not in sides.values():
            continue
        if vote.answer in sides:
            counts["wins" if sides[vote.answer] == system else "losses"] += 1
        else:
            counts["ties" if vote.answer == Answer.TIE else "both_bad"] += 1
    return counts
