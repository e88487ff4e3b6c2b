"""Models that fill music in go through every stage; given notes come back as they were."""

import json
import re
from pathlib import Path

import pytest

from ostinato.music.piece import Piece
from ostinato.music.reading import read_midi
from projects import check_a_killed_training_resumes, refused, run

SMALL = ("debug=smoke", "model.size=tiny", "training.max_pieces=8", "sampling.pieces=2")
MASKED = (
    "experiment=bach_masked",
    *SMALL,
    "model.scored_masks=4",
    "sampling=gibbs",
    "sampling.passes=3",
)
LSTM = (*SMALL, "sampling=infill", "sampling.particles=4", "sampling.pieces=1")


def folder_of(project: Path) -> Path:
    [folder] = (project / "outputs" / "runs").glob("*/*")
    return folder


def notes(piece: Piece, tracks: set[int], quarters: int) -> list[tuple[int, ...]]:
    """Pitch and quarter notes of the notes of tracks, or of all tracks before so many."""
    ticks = piece.resolution
    return sorted(
        (int(n["track"]), int(n["pitch"]), round(24 * n["onset"] / ticks))
        for n in piece.notes
        if n["track"] in tracks or n["onset"] < quarters * ticks
    )


def originals(project: Path) -> dict[str, Piece]:
    return {path.stem: read_midi(path) for path in (project / "data").rglob("*.mid")}


@pytest.mark.slow
def test_a_masked_model_goes_through_every_stage(project: Path) -> None:
    done = run(project, "ostinato", "run", *MASKED)
    assert "nats per token in epoch" in done.stdout
    folder = folder_of(project)
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert metrics["test"]["nats_per_note"] > 0
    assert len(list((folder / "samples").glob("*.mid"))) == 2
    shown = run(project, "ostinato", "inspect", str(folder / "model")).stdout
    assert "nats per token" in shown
    model = f"model_dir={folder / 'model'}"
    words = ("sampling=harmonise", "sampling.tracks=[4]", "sampling.passes=2", "sampling.pieces=1")
    run(project, "ostinato", "generate", model, *words, "samples_dir=bass")
    [made] = (read_midi(path) for path in (project / "bass").glob("*.mid"))
    about = (project / "bass" / "listen.html").read_text()
    [name] = re.findall(r"from ([\w.]+), a piece of the test split. The rest is new", about)
    source = originals(project)[name]
    assert notes(made, {0, 1, 2}, 0) == notes(source, {0, 1, 2}, 0)
    assert "the grey notes" in about


@pytest.mark.slow
def test_a_killed_masked_model_resumes_to_the_same_weights(project: Path) -> None:
    # `debug=smoke` would say how many epochs there are
    words = ("experiment=bach_masked", "model.size=tiny", "training.max_pieces=8")
    check_a_killed_training_resumes(project, *words, "model.scored_masks=4")


def test_a_sequence_model_fills_in(project: Path) -> None:
    run(project, "ostinato", "run", *LSTM)
    folder = folder_of(project)
    about = (folder / "samples" / "listen.html").read_text()
    assert "the grey notes" in about
    assert "the grey notes" in (folder / "evaluation" / "report.html").read_text()
    model, piece = f"model_dir={folder / 'model'}", next((project / "data").rglob("*.mid"))
    words = (f"sampling.piece={piece}", "sampling.bars=[3,3]", "samples_dir=third")
    words += ("sampling.particles=4",)
    run(project, "ostinato", "generate", model, "sampling=infill", *words, "sampling.pieces=1")
    [made] = (read_midi(path) for path in (project / "third").glob("*.mid"))
    assert notes(made, set(), 8) == notes(read_midi(piece), set(), 8)
    said = refused(project, "generate", model, "sampling=infill", "sampling.bars=[90,91]")
    assert "no piece of the test split can be filled in" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("model=gan", "sampling=infill"), "model=gan does not: say model="),
        (("sampling=gibbs",), "model=lstm does not: say model=masked"),
        (("model=masked", "sampling=infill", "representation=chords"), "representation=voices"),
        (("model=gru", "representation=event", "sampling=infill"), "representation=voices"),
        (("model=masked", "sampling=vary"), "set model=vae"),
    ],
)
def test_what_a_model_cannot_do_is_refused(
    project: Path, words: tuple[str, ...], reason: str
) -> None:
    assert reason in refused(project, "compose", *words, code=2)
