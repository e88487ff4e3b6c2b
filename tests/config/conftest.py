"""An option to accept what the experiments have become."""

import os

import pytest

UPDATE = "OSTINATO_UPDATE_GOLDEN"


@pytest.fixture
def update_golden() -> bool:
    """Whether to rewrite the snapshots instead of comparing with them."""
    return os.environ.get(UPDATE) == "1"
