"""An option to accept what the experiments have become, and the table of rows."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "likelihood"))

UPDATE = "OSTINATO_UPDATE_GOLDEN"


@pytest.fixture
def update_golden() -> bool:
    """Whether to rewrite the snapshots instead of comparing with them."""
    return os.environ.get(UPDATE) == "1"
