"""A GAN goes through every stage, is recorded, resumes when killed, and refuses in sentences."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ostinato.music.piece import NOTE, TIME_SIGNATURE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi
from projects import check_a_killed_training_resumes, refused, run

TINY = ("experiment=bach_gan", "model.size=tiny", "training.epochs=2", "sampling.pieces=2")
SMALL = (*TINY, "training.samples_every=2")


def prepare(project: Path, *overrides: str) -> None:
    for stage in ("preprocess", "split"):
        run(project, "ostinato", stage, *SMALL, *overrides)


def test_a_gan_goes_through_every_stage_and_is_recorded(project: Path) -> None:
    from mlflow import MlflowClient

    done = run(project, "ostinato", "run", *SMALL)
    assert "segments of 2 bars of 16 steps to train on" in done.stdout
    assert "overlapping area in epoch" in done.stdout
    [folder] = (project / "outputs" / "runs").glob("*/*")
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    segments = metrics["segments"]
    assert segments["segments"] == 300
    assert metrics["distances_of"]["control_pieces"] == 100  # segments of the training pieces
    assert all(figure["control"] is not None for figure in metrics["distances"].values())
    assert 0 <= segments["overlapping_area"] <= 1
    assert 0.5 < segments["control"] <= 1
    assert len(segments["features"]) == 7
    assert 0 < segments["test"]["diversity"] <= 1
    assert len(segments["musegan"]["generated"]["pitch_classes"]) == 4
    assert 0 <= segments["nearest"]["test"] <= 1
    report = (folder / "evaluation" / "report.html").read_text()
    assert "mean overlapping area, 300 segments of 2 bars" in report
    assert "Likelihood" not in report
    pieces = [read_midi(path) for path in (folder / "samples").glob("*.mid")]
    assert len(pieces) == 2
    assert all(len(piece.notes) and piece.quarters <= 8 for piece in pieces)
    assert {len(piece.track_names) for piece in pieces} == {4}
    about = json.loads((folder / "samples" / "sampling.json").read_text())
    assert about["model"] == "gan"
    assert not {"temperature", "top_p", "max_bars"} & set(about)
    shown = run(project, "ostinato", "inspect", str(folder / "model")).stdout
    assert "overlapping area" in shown
    words = (
        "sampling=interpolate",
        "sampling.interpolation_steps=3",
        f"model_dir={folder / 'model'}",
    )
    run(project, "ostinato", "generate", *SMALL, *words, "samples_dir=ways")
    for path in (project / "ways").glob("*.mid"):
        assert 3 * 3 - 1 >= len(read_midi(path).barlines()) >= 3 * 2
    assert json.loads((project / "ways" / "sampling.json").read_text())["interpolation_steps"] == 3
    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    [only] = client.search_runs(["1"])
    assert only.info.status == "FINISHED"
    for name in ("train_overlapping_area", "validation_overlapping_area", "critic_gap"):
        history = client.get_metric_history(only.info.run_id, name)
        assert len({point.step for point in history}) == 2, name
    assert {"gradient_penalty", "generator_loss", "diversity"} <= set(only.data.metrics)
    assert {"best_validation_overlapping_area", "test_overlapping_area"} <= set(only.data.metrics)
    files = {file.path for file in client.list_artifacts(only.info.run_id, "training")}
    assert files == {"training/epoch-0002.png", "training/epoch-0002.wav"}


@pytest.mark.slow
def test_a_gan_continues_pieces_of_the_test_split_and_a_file(project: Path) -> None:
    words = ("model.given_bars=1", "sampling=continue", "sampling.prompt_bars=2")
    words += ("sampling.max_bars=4", "tracking=off")
    done = run(project, "ostinato", "run", *SMALL, *words)
    assert "mean overlapping area with the test split" in done.stdout
    [folder] = (project / "outputs" / "runs").glob("*/*")
    about = json.loads((folder / "samples" / "sampling.json").read_text())
    assert (about["prompt"], about["prompt_bars"], about["max_bars"]) == ("test", 2, 4)
    pieces = [read_midi(path) for path in (folder / "samples").glob("*.mid")]
    assert all(8 < piece.quarters <= 16 for piece in pieces)
    model = f"model_dir={folder / 'model'}"
    source = sorted((project / "data" / "bach").glob("*.mid"))[0]
    more = (model, "samples_dir=more", f"sampling.prompt={source}")
    run(project, "ostinato", "generate", *SMALL, *words, *more)
    first, made = (read_midi(path) for path in (source, project / "more" / "sample-01.mid"))
    start = min(note for note in first.track(0)["pitch"][:1])
    assert start in made.track(0)["pitch"][:1]
    words = (*words, model, "sampling.prompt_bars=1", "representation.bar_steps=16")
    waltz = replace_metre(first, 3)
    write_midi(waltz, project / "waltz.mid")
    sentence = refused(project, "generate", *SMALL, *words, "sampling.prompt=waltz.mid")
    assert "waltz.mid cannot be a prompt: as voices the piece has" in sentence


def replace_metre(piece: Piece, beats: int) -> Piece:
    metre = array(TIME_SIGNATURE, onset=0, numerator=beats, denominator=4)
    return replace(piece, time_signatures=metre)


@pytest.mark.slow
def test_a_killed_gan_resumes_to_the_same_weights(project: Path) -> None:
    check_a_killed_training_resumes(project, *SMALL)


@pytest.mark.slow
def test_what_cannot_be_cut_is_told_in_a_sentence(project: Path) -> None:
    off = "tracking=off"
    prepare(project, off)
    sentence = refused(project, "train", *SMALL, off, "model.pitch_range=[100,120]")
    assert "segments leave the pitches 100 to 120" in sentence
    assert "Change model.bars, model.pitch_range" in sentence
    sentence = refused(project, "train", *SMALL, off, "model.bars=60")
    assert "pieces have no 60 bars of 16 steps in a row" in sentence
    words = ("model.pitch_range=[45,72]", "training.batch_size=512")
    done = run(project, "ostinato", "train", *SMALL, off, *words)
    assert "left out:" in done.stdout
    assert "all segments fit into one batch" in done.stderr
    sentence = refused(project, "generate", *SMALL, off, "sampling.prompt=my.mid", code=2)
    assert "makes whole segments and continues none" in sentence


@pytest.mark.slow
def test_one_voice_and_another_metre_work(project: Path) -> None:
    (project / "data" / "mine").mkdir()
    for number in range(12):
        onset = 6 * np.arange(60)
        pitch = 60 + (number + np.arange(60) ** 2) % 12
        notes = array(NOTE, onset=onset, duration=6, pitch=pitch, velocity=80)
        metre = array(TIME_SIGNATURE, onset=0, numerator=3, denominator=4)
        piece = Piece(f"waltz {number}", 12, notes, time_signatures=metre)
        write_midi(piece, project / "data" / "mine" / f"{number}.mid")
    words = ("corpus=folder", "corpus.path=data/mine", "representation.voices=1", "tracking=off")
    sentence = refused(project, "run", *SMALL, *words)
    assert "pieces have no 2 bars of 16 steps in a row" in sentence
    done = run(project, "ostinato", "run", *SMALL, *words, "representation.bar_steps=12")
    assert "segments of 2 bars of 12 steps" in done.stdout
    assert "mean overlapping area with the test split" in done.stdout


def pop_song(number: int) -> Piece:
    """Eight bars: a melody that rests, a bridge that comes in late, broken chords over a bass.

    The file says 1/4, and its first bar begins anywhere.
    """
    random = np.random.default_rng(number)
    rows: list[tuple[int, int, int, int]] = []  # onset and duration in sixteenths, pitch, track
    for bar in range(8):
        root = int(random.integers(0, 12))
        rows.append((16 * bar, 16, 36 + root, 2))
        rows += [(16 * bar + 4 * i, 8 - 4 * (i == 3), 52 + root + 4 * i, 2) for i in range(4)]
        rows += [(16 * bar + 2 * i, 2, 62 + int(random.integers(0, 12)), 0) for i in range(5)]
        if bar > 3:
            rows += [(16 * bar + 8 * i, 8, 70 + int(random.integers(0, 8)), 1) for i in range(2)]
    onset, duration, pitch, track = np.array(rows).T
    onset = 120 * onset + int(random.integers(0, 4000))
    notes = array(NOTE, onset=onset, duration=120 * duration, pitch=pitch, velocity=80, track=track)
    metre = array(TIME_SIGNATURE, onset=0, numerator=1, denominator=4)
    names = ("MELODY", "BRIDGE", "PIANO")
    return Piece(f"song {number}", 480, notes, time_signatures=metre, track_names=names)


@pytest.mark.slow
def test_a_gan_of_pop_songs_makes_three_tracks_of_seven_voices(project: Path) -> None:
    (project / "data" / "songs").mkdir()
    for number in range(12):
        write_midi(pop_song(number), project / "data" / "songs" / f"{number}.mid")
    words = ("experiment=pop909_gan", "corpus=folder", "corpus.path=data/songs", "model.size=tiny")
    words += ("training.epochs=1", "sampling.pieces=2", "tracking=off")
    sentence = refused(project, "run", *words)
    assert "pieces have no 2 bars of 16 steps in a row" in sentence
    words = (*words, "corpus.metre=[4,4]")
    sentence = refused(project, "run", *words, "representation.voices=6", code=2)
    assert "by_track=[1, 2, 4] makes 7 voices; voices=6 should be as many" in sentence
    done = run(project, "ostinato", "run", *words)
    assert "segments of 2 bars of 16 steps to train on" in done.stdout
    folder = max((project / "outputs" / "runs").glob("*/*"))
    table = json.loads((folder / "evaluation" / "metrics.json").read_text())["segments"]["musegan"]
    assert table["training"]["empty_bars"][0] == table["training"]["empty_bars"][2] == 0
    assert 0 < table["training"]["empty_bars"][1] < 1
    assert set(table["generated"]["tonal_distance"]) == {"1-2", "1-3", "2-3"}
    for path in (folder / "samples").glob("*.mid"):
        assert read_midi(path).track_names == ("MELODY", "BRIDGE", "PIANO")
    words = ("experiment=bach_lstm", "model.size=tiny", *words[1:3])
    words += ("sampling.min_bars=0", "sampling.max_bars=2")
    songs = ("representation.voices=7", "representation.by_track=[1,2,4]", "corpus.metre=[4,4]")
    short = ("training.epochs=1", "sampling.pieces=1", "tracking=off")
    run(project, "ostinato", "run", *words, *songs, *short)
    folder = max((project / "outputs" / "runs").glob("*/*"))
    [path] = (folder / "samples").glob("*.mid")
    assert len(read_midi(path).track_names) == 3


@pytest.mark.slow
def test_a_gan_is_reproduced_bit_for_bit_under_dvc(dvc_project: Path) -> None:
    params = (dvc_project / "params.yaml").read_text()
    for old, new in (
        ("experiment: bach_lstm", "experiment: bach_gan"),
        ("model.backbone.hidden_size=32", "training.epochs=2"),
    ):
        assert old in params
        params = params.replace(old, new)
    (dvc_project / "params.yaml").write_text(params)
    run(dvc_project, "dvc", "repro")
    before = (dvc_project / "dvc.lock").read_text()
    run(dvc_project, "dvc", "repro", "--force")
    assert (dvc_project / "dvc.lock").read_text() == before
