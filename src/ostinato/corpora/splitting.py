"""The division of pieces into training, validation and test."""

import json
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from ostinato.console import warn
from ostinato.corpora import duplicates
from ostinato.corpora.parts import PARTS
from ostinato.corpora.store import PieceStore
from ostinato.errors import UserError
from ostinato.wording import agree, quantity

Fraction = Annotated[float, Field(ge=0, le=1, description="its share of the pieces")]


@dataclass(frozen=True)
class Division:
    """The names of the pieces of each part, and the groups of pieces that were kept together."""

    parts: dict[str, list[str]]
    groups: list[list[str]]

    def as_json(self) -> dict[str, Any]:
        """Return what `outputs/split.json` holds: sorted, the same for the same division."""
        sizes = [len(group) for group in self.groups if len(group) > 1]
        summary = {
            "grouped_pieces": sum(sizes),
            "groups": len(sizes),
            "largest": max(sizes, default=0),
        }
        return {**{part: sorted(self.parts[part]) for part in PARTS}, "groups": summary}


class Splitting(ABC):
    """Divides the pieces of a store."""

    @abstractmethod
    def divide(self, store: PieceStore) -> Division:
        """Divide the pieces; raises `UserError` where that cannot be done as asked."""


@dataclass(frozen=True)
class RandomSplit(Splitting):
    """Parts of given sizes, drawn at random; pieces that are alike stay on one side."""

    train: Fraction
    validation: Fraction
    test: Fraction
    group_alike: Annotated[
        bool, Field(description="keep copies and settings of the same tune in one part")
    ]
    seed: Annotated[
        int, Field(ge=0, description="of the split alone, which `seed` does not change")
    ]

    def __post_init__(self) -> None:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + validation + test is {total:g}: it must be 1.")
        if self.train == 0:
            raise ValueError("train=0 leaves nothing to learn from: it must be above 0.")

    def divide(self, store: PieceStore) -> Division:
        """Divide by the seed; the same pieces and settings give the same parts."""
        order = sorted(range(len(store)), key=store.names.__getitem__)
        together = duplicates.groups(store) if self.group_alike else [[row] for row in order]
        groups = sorted(sorted(store.names[row] for row in group) for group in together)
        fractions = {part: getattr(self, part) for part in PARTS if getattr(self, part) > 0}
        if len(groups) < len(fractions):
            raise UserError(self._too_few(len(store), len(groups), list(fractions)))
        rng = np.random.default_rng(self.seed)
        return Division(_fill(groups, fractions, rng), groups)

    def _too_few(self, pieces: int, groups: int, parts: list[str]) -> str:
        """Return the sentence for music too little for its parts, and the setting that works."""
        if pieces >= len(parts):
            reason = f"those that are alike stay together, which leaves {groups}"
            remedy = "split.group_alike=false, by which copies may stand in several parts"
        else:
            reason = "each part needs one"
            remedy = "split.train=0.5 split.validation=0 split.test=0.5"
            if pieces == 1 or (groups == 1 and self.group_alike):
                remedy = "split.train=1 split.validation=0 split.test=0, which tests nothing"
        return (
            f"{quantity(pieces, 'piece')} cannot be split into {', '.join(parts)}: {reason}. "
            f"Add music, or say {remedy}."
        )


@dataclass(frozen=True)
class PredefinedSplit(Splitting):
    """Parts that a JSON file lists: {"train": [names], "validation": [names], "test": [names]}."""

    file: Annotated[str, Field(min_length=1, description="a JSON file with the names of pieces")]

    def divide(self, store: PieceStore) -> Division:
        """Divide as the file says; pieces that it does not name are left out, and counted."""
        parts = self._parts()
        counts = Counter(name for names in parts.values() for name in names)
        unknown = sorted(name for name in counts if name not in store)
        if unknown:
            raise UserError(
                f"split.file={self.file} names {quantity(len(unknown), 'piece')} that "
                f"{agree(len(unknown), 'is', 'are')} not in the corpus: {_some(unknown)}. "
                "Names are paths without suffix."
            )
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise UserError(
                f"split.file={self.file} names {quantity(len(twice), 'piece')} more than once: "
                f"{_some(twice)}. Each piece belongs to one part."
            )
        left = [name for name in store.names if name not in counts]
        if left:
            warn(f"{quantity(len(left), 'piece')} not named in {self.file} left out: {_some(left)}")
        return Division(parts, [])

    def _parts(self) -> dict[str, list[str]]:
        try:
            parts = json.loads(Path(self.file).expanduser().read_text(encoding="utf-8"))
        except OSError as error:
            reason = error.strerror
            raise UserError(f"split.file={self.file} cannot be read: {reason}.") from error
        except ValueError as error:
            raise UserError(f"split.file={self.file} is not JSON: {error}.") from error
        if not isinstance(parts, dict) or not all(
            isinstance(parts.get(part, []), list)
            and all(isinstance(name, str) for name in parts.get(part, []))
            for part in PARTS
        ):
            raise UserError(
                f'split.file={self.file} must hold {{"train": [...], "validation": [...], '
                '"test": [...]}, each a list of names.'
            )
        return {part: parts.get(part, []) for part in PARTS}


@dataclass(frozen=True)
class FolderSplit(Splitting):
    """The parts that a corpus was published with: the folders train, validation and test."""

    def divide(self, store: PieceStore) -> Division:
        """Divide by the first folder of each name; a part without a folder stays empty."""
        parts: dict[str, list[str]] = {part: [] for part in PARTS}
        others = [name for name in store.names if _folder(name) not in parts]
        if others:
            raise UserError(
                f"split=published needs every piece in a folder {', '.join(PARTS[:-1])} or "
                f"{PARTS[-1]}, and {quantity(len(others), 'piece')} "
                f"{agree(len(others), 'is', 'are')} not: {_some(others)}. "
                "This corpus has no published split: set split=random."
            )
        for name in store.names:
            parts[_folder(name)].append(name)
        return Division(parts, [])


def _folder(name: str) -> str:
    return name.partition("/")[0]


def _fill(
    groups: list[list[str]], fractions: dict[str, float], rng: np.random.Generator
) -> dict[str, list[str]]:
    """Give each group to a part, large groups first, so that single pieces even out the sizes.

    A part is drawn in proportion to the room it has left, among those where the group fits.
    """
    room = _sizes(sum(map(len, groups)), fractions)
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    shuffled = [groups[i] for i in rng.permutation(len(groups))]
    shuffled.sort(key=len, reverse=True)
    for index, group in enumerate(shuffled):
        empty = [part for part in room if not parts[part]]
        if len(shuffled) - index <= len(empty):
            part = max(empty, key=room.__getitem__)
        else:
            part = _drawn(room, len(group), rng)
        parts[part] += group
        room[part] -= len(group)
    return parts


def _drawn(room: dict[str, int], size: int, rng: np.random.Generator) -> str:
    fitting = [part for part in room if room[part] >= size]
    if not fitting:
        return max(room, key=room.__getitem__)
    weights = np.array([room[part] for part in fitting], float)
    return fitting[rng.choice(len(fitting), p=weights / weights.sum())]


def _sizes(count: int, fractions: dict[str, float]) -> dict[str, int]:
    """Return numbers of pieces, at least one each; the first part takes what rounding leaves."""
    sizes = {part: max(1, round(count * fraction)) for part, fraction in fractions.items()}
    first = next(iter(sizes))
    sizes[first] += count - sum(sizes.values())
    return sizes


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
