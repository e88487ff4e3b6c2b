"""Stores of pieces for the tests."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from ostinato.corpora.store import ROWS, Row, finish, part_file, write_part


def write_store(
    results: Iterable[Row], folder: Path, drop_duplicates: bool = False
) -> tuple[int, int]:
    """Write (source, piece) rows, rejects and remarks into `folder` as they come.

    The same results give the same bytes. Returns how many were kept and how many rejected.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows, number = iter(results), 0
    while part := list(islice(rows, ROWS)):
        write_part(part, part_file(folder, number), drop_duplicates)
        number += 1
    return finish(folder, number, drop_duplicates)
