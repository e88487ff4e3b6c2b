"""Each stage of dvc.yaml lists the source files that it runs, so that an edit reruns it."""

import re

import pytest

from dependencies import GROUPS, ROOT, listed, missing, needed

DVC = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
BY_STAGE = pytest.mark.parametrize("stage", GROUPS)


@BY_STAGE
def test_a_stage_lists_what_it_imports(stage: str) -> None:
    lines = "".join(f"\n      - {file}" for file in missing(stage, DVC))
    assert not lines, f"the stage {stage} of dvc.yaml does not list{lines}\n`make deps` writes them"


@BY_STAGE
def test_a_line_that_is_missing_is_named(stage: str) -> None:
    line = next(dep for dep in listed(stage, DVC) if dep.startswith("src/"))
    without = re.sub(rf"^      - {line}\n", "", DVC, flags=re.MULTILINE)
    assert any(file == line or file.startswith(f"{line}/") for file in missing(stage, without))


@pytest.mark.parametrize(
    ("stage", "file", "runs"),
    [
        ("train", "training/trainer.py", True),
        ("train", "music/piece.py", True),
        ("train", "models/recurrent.py", True),  # named by conf/ alone
        ("train", "evaluation/report.py", False),
        ("train", "evaluation/measures.py", False),  # a metric to look at retrains nothing
        ("evaluate", "evaluation/measures.py", True),
        ("train", "music/page.py", False),
        ("generate", "training/trainer.py", False),
        ("generate", "sampling/sequence.py", True),
        ("evaluate", "methods/likelihood/scoring.py", True),
        ("evaluate", "stages/encoding.py", True),
        ("split", "music/reading.py", False),
    ],
)
def test_a_stage_runs_what_it_calls(stage: str, file: str, runs: bool) -> None:
    assert ((ROOT / "src" / "ostinato" / file) in needed(stage)) == runs


@BY_STAGE
def test_every_line_is_there(stage: str) -> None:
    for dep in listed(stage, DVC):
        if dep.startswith("src/"):
            assert (ROOT / dep).exists(), f"{stage} lists {dep}, which is not there"
