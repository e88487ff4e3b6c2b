"""Votes of a listening test, read from the files of its listeners, each vote once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ostinato.console import where
from ostinato.errors import UserError
from ostinato.listening.protocol import Answer, Clip, Key, Vote, VotesFile
from ostinato.listening.strengths import FIRST, SECOND, TIE, Comparisons

OUTCOMES = {Answer.A: FIRST, Answer.B: SECOND, Answer.TIE: TIE}


@dataclass(frozen=True)
class Votes:
    """The votes of a test. systems: their ids; by_voter: the votes of each listener.

    doubled: how many votes were in several files and are counted once; replaced: how many answers
    their listener changed later.
    """

    systems: list[str]
    by_voter: Mapping[str, Sequence[Vote]]
    doubled: int = 0
    replaced: int = 0

    @property
    def both_bad(self) -> int:
        """Return how many votes found both bad."""
        return sum(vote.answer == Answer.BOTH_BAD for vote in self.all())

    def all(self) -> list[Vote]:
        """Return all votes."""
        return [vote for votes in self.by_voter.values() for vote in votes]

    def comparisons(self) -> Comparisons:
        """Return the votes that compare the systems, in numbers."""
        number = {id_: row for row, id_ in enumerate(self.systems)}
        rows = [
            (voter, number[vote.left.system], number[vote.right.system], OUTCOMES[vote.answer])
            for voter, votes in enumerate(self.by_voter.values())
            for vote in votes
            if vote.answer in OUTCOMES
        ]
        columns = np.array(rows, np.int64).reshape(-1, 4).T
        return Comparisons(len(self.systems), *columns)


@dataclass
class _Gathered:
    votes: dict[tuple[str, str], Vote] = field(default_factory=dict)
    doubled: int = 0
    replaced: int = 0

    def add(self, voter: str, vote: Vote) -> None:
        """Count a vote once; of two answers to the same pair the later one counts."""
        earlier = self.votes.get(place := (voter, vote.pair))
        if earlier == vote:
            self.doubled += 1
            return
        self.replaced += earlier is not None
        if earlier is None or earlier.voted <= vote.voted:
            self.votes[place] = vote


def gather_votes(files: Mapping[Path, VotesFile], key: Key | None) -> Votes:
    """Return the votes of all files, each once.

    Raises `UserError` for files of several tests, and for votes on what the test does not have.
    """
    _check_one_test(files, key)
    gathered = _Gathered()
    for path, file in files.items():
        for number, vote in enumerate(file.votes):
            if key is not None:
                _check_known(vote, key, f"{where(path)} at votes.{number}")
            gathered.add(file.voter, vote)
    by_voter: dict[str, list[Vote]] = {}
    for (voter, _), vote in gathered.votes.items():
        by_voter.setdefault(voter, []).append(vote)
    voted = {side.system for vote in gathered.votes.values() for side in (vote.left, vote.right)}
    systems = list(key.systems) if key is not None else sorted(voted)
    return Votes(systems, by_voter, gathered.doubled, gathered.replaced)


def _check_one_test(files: Mapping[Path, VotesFile], key: Key | None) -> None:
    (first, file), *others = files.items()
    for path, other in others:
        if other.test != file.test:
            raise UserError(
                f"{where(path)} is of the test {other.test}, and {where(first)} of {file.test}: "
                "give the files of one test."
            )
    if key is not None and key.test != file.test:
        raise UserError(
            f"{where(first)} is of the test {file.test}, and the key of {key.test}: give the "
            "key.json that lies beside the page of that test."
        )


def _check_known(vote: Vote, key: Key, place: str) -> None:
    """Raise `UserError` unless the test has this pair, of these clips of these systems."""
    if vote.pair not in key.pairs:
        raise UserError(f"{place} names the pair {vote.pair}, which the test does not have.")
    sides = {_of(vote.left), _of(vote.right)}
    if sides != {_of(clip) for clip in key.pairs[vote.pair]}:
        raise UserError(
            f"{place} names clips or systems that the pair {vote.pair} does not have: give the "
            "file as it was downloaded."
        )


def _of(clip: Clip) -> tuple[str, str]:
    return clip.system, clip.clip
