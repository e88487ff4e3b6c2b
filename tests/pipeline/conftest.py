"""A team's MLflow server, which several tests of the pipeline need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlflow_servers import Server, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A team's MLflow server on this machine."""
    with serving(tmp_path / "server") as running:
        yield running
