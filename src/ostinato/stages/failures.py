"""The runs of a sweep that failed, also those in processes of their own."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path

from ostinato.errors import ConfigError, UserError


class Failures:
    """Failures that jobs add to a file in `folder`, as launchers hand no errors back."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{uuid.uuid4().hex}.jsonl"

    def any(self) -> bool:
        """Return whether a run has failed."""
        return self.path.exists()

    def add(self, overrides: Sequence[str], error: Exception) -> None:
        """Record that the run with these overrides failed."""
        row = {"run": " ".join(overrides), "config": isinstance(error, ConfigError)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def take(self) -> list[UserError]:
        """Return what ends the sweep, an error or none, and remove the file."""
        if not self.path.exists():
            return []
        rows = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        self.path.unlink()
        kind = ConfigError if all(row["config"] for row in rows) else UserError
        failed = f"{len(rows)} {'runs' if len(rows) > 1 else 'run'} of the sweep failed"
        return [kind(f"{failed}: {'; '.join(row['run'] for row in rows)}")]
