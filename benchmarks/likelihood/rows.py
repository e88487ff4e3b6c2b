"""The rows of the table of likelihoods, which rows.yaml lists as Hydra overrides."""

from pathlib import Path
from typing import Any

from ostinato.config.composition import without_overridden
from ostinato.config.instantiate import did_you_mean
from ostinato.config.yaml_files import read_yaml
from ostinato.errors import ConfigError

FILE = Path(__file__).with_name("rows.yaml")


def read_rows(file: Path = FILE) -> dict[str, list[str]]:
    """Return the overrides of every row: its group's, but for what it replaces, and its own."""
    groups: dict[str, Any] = read_yaml(file)
    rows: dict[str, list[str]] = {}
    for group in groups.values():
        for row, words in group["rows"].items():
            own = words.split()
            rows[row] = [*without_overridden(group["shared"].split(), own), *own]
    return rows


def overrides_of(row: str) -> list[str]:
    """Return the overrides of a row; raises `ConfigError` where there is none of that name."""
    rows = read_rows()
    if row not in rows:
        raise ConfigError(
            f"ROW={row} is unknown: {did_you_mean(row, rows)}the rows are {', '.join(rows)}."
        )
    return rows[row]
