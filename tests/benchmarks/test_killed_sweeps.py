"""A sweep that is killed again and again comes to the table and the bytes of one that is not."""

from pathlib import Path

import pytest

from sweeps import measure_kills


@pytest.mark.slow
def test_ten_kills_change_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    figures = measure_kills(tmp_path, kills=10, seed=1)
    assert figures["kills"] >= 5, "the sweep ended before it was killed often"
    assert figures["same_rows"] == figures["jobs"] == 9
    assert figures["different_files"] == []
    assert figures["files"] > 100
    assert figures["runs"] == {"FINISHED": 9}
    assert figures["parents"] == 1
