"""A VAE goes through every stage, is recorded, and resumes when killed."""

import json
from pathlib import Path

import pytest

from ostinato.music.piece import NOTE, Piece, array
from ostinato.music.reading import read_midi
from ostinato.music.writing import write_midi
from projects import check_a_killed_training_resumes, refused, run

TINY = ("experiment=bach_vae", "model.size=tiny", "training.epochs=2", "sampling.pieces=2")
FAST = ("training.batch_size=8", "training.learning_rate=0.01")
HIERARCHICAL = "ostinato.models.variational.decoder.HierarchicalDecoder"
SMALL = (*TINY, *FAST, "training.samples_every=2")


def test_a_vae_goes_through_every_stage_and_is_recorded(project: Path) -> None:
    from mlflow import MlflowClient

    done = run(project, "ostinato", "run", *SMALL)
    assert "segments of 2 bars of 16 steps to train on" in done.stdout
    assert "nats per token by the objective in epoch" in done.stdout
    [folder] = (project / "outputs" / "runs").glob("*/*")
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    latents = metrics["latents"]
    assert 0 <= latents["reconstruction"]["exact"] <= 1
    assert 0.1 < latents["reconstruction"]["teacher_forced"] <= 1
    assert 0 <= latents["active_units"] <= 16
    assert len(latents["kl_by_unit"]) == 16
    assert sum(latents["kl_by_unit"]) == pytest.approx(latents["kl_nats"], abs=0.01)
    total = latents["nll_nats"] + latents["kl_nats"]
    assert latents["elbo_nats_per_token"] * latents["tokens"] == pytest.approx(total, abs=0.01)
    assert set(latents["prior_within_80"]) <= {
        "note_density",
        "pitch_class_entropy",
        "scale_consistency",
    }
    assert set(latents["attributes"]) == {"note_density", "pitch_height", "syncopation"}
    assert metrics["segments"]["segments"] == 300
    assert metrics["distances_of"]["control_pieces"] == 100  # segments of the training pieces
    assert all(figure["control"] is not None for figure in metrics["distances"].values())
    report = (folder / "evaluation" / "report.html").read_text()
    assert "come out of their latent vector exactly" in report
    assert "Latent plane, by key" in report
    assert "Likelihood" not in report
    pieces = [read_midi(path) for path in (folder / "samples").glob("*.mid")]
    assert len(pieces) == 2
    assert all(piece.quarters <= 8 for piece in pieces)
    shown = run(project, "ostinato", "inspect", str(folder / "model")).stdout
    assert "nats per token by the objective" in shown
    client = MlflowClient(f"sqlite:///{project}/outputs/mlflow/mlflow.db")
    [only] = client.search_runs(["1"])
    assert only.info.status == "FINISHED"
    for name in ("train_objective_nats_per_token", "validation_elbo_nats_per_token"):
        history = client.get_metric_history(only.info.run_id, name)
        assert len({point.step for point in history}) == 2, name
    assert {"latents/active_units", "latents/reconstruction/exact"} <= set(only.data.metrics)
    files = {file.path for file in client.list_artifacts(only.info.run_id, "training")}
    assert files == {"training/epoch-0002.png", "training/epoch-0002.wav"}


@pytest.mark.slow
def test_what_a_vae_makes_of_given_music_and_says_of_other_music(project: Path) -> None:
    run(project, "ostinato", "run", *SMALL, "tracking=off")
    [folder] = (project / "outputs" / "runs").glob("*/*")
    first, second = sorted((project / "data" / "bach").glob("*.mid"))[:2]
    words = (*SMALL, f"model_dir={folder / 'model'}", "tracking=off")

    def made(name: str, *more: str) -> list[Piece]:
        run(project, "ostinato", "generate", *words, *more, f"samples_dir={name}")
        return [read_midi(path) for path in sorted((project / name).glob("*.mid"))]

    [way] = made("way", "sampling=interpolate", f"sampling.start={first}", f"sampling.to={second}")
    assert 12 < way.quarters <= 8 * 12
    varied = made("varied", "sampling=vary", f"sampling.piece={first}", "sampling.distance=2.0")
    assert len(varied) == 2
    given = [piece.notes[piece.notes["onset"] < 8 * piece.resolution] for piece in varied]
    assert len(given[0])
    assert given[0].tolist() == given[1].tolist(), "the given segment comes first"
    [asked, _] = made("asked", "sampling=attribute", f"sampling.piece={first}")
    assert asked.quarters <= 5 * 12
    sentence = refused(project, "generate", *words, "sampling=vary", "sampling.piece=none.mid")
    assert "sampling.piece=none.mid is not there" in sentence
    short = Piece("short", 4, array(NOTE, onset=0, duration=4, pitch=60, velocity=80))
    write_midi(short, project / "short.mid")
    sentence = refused(project, "generate", *words, "sampling=vary", "sampling.piece=short.mid")
    assert "it has no 2 bars of 16 steps in a row" in sentence


@pytest.mark.slow
def test_a_vae_of_piano_rolls_goes_through_every_stage(project: Path) -> None:
    words = (*SMALL, "representation=pianoroll", "model.pitch_range=[36,83]", "tracking=off")
    run(project, "ostinato", "run", *words)
    [folder] = (project / "outputs" / "runs").glob("*/*")
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    latents, segments = metrics["latents"], metrics["segments"]
    assert latents["tokens"] == 32, "a frame is a token"
    assert 0 <= latents["reconstruction"]["teacher_forced"] <= 1
    assert set(latents["attributes"]) == {"note_density", "pitch_height", "syncopation"}
    assert not {"jump", "tonal_distance"} & set(segments["features"]), "of voices alone"
    assert set(segments["generated"]) == {"diversity", "qualified_notes"}
    assert 0 <= segments["nearest"]["test"] <= 1
    report = (folder / "evaluation" / "report.html").read_text()
    assert "come out of their latent vector exactly" in report
    given = read_midi(first := min((project / "data" / "bach").glob("*.mid")))
    words = (*words, f"model_dir={folder / 'model'}", f"sampling.piece={first}")
    same = ("sampling=vary", "sampling.distance=0.0", "samples_dir=same")
    for made in (
        same,
        ("sampling=vary", "samples_dir=varied"),
        ("sampling=attribute", "samples_dir=more"),
    ):
        run(project, "ostinato", "generate", *words, *made, "sampling.pieces=1")
    piece = read_midi(project / "same" / "sample-01.mid")
    shown = piece.notes[piece.notes["onset"] < 8 * piece.resolution]
    assert len(shown) > 16, "the given segment comes first, with all that sounds in it"
    assert set(shown["pitch"]) <= set(given.notes["pitch"])
    way = ("sampling=interpolate", f"sampling.start={first}", f"sampling.to={first}")
    run(project, "ostinato", "generate", *words[:-1], *way, "samples_dir=way")
    assert (project / "way" / "sample-01.png").exists()
    sentence = refused(project, "compose", *words[:-1], "representation.step=3/2", code=2)
    assert "say representation.step=1/4" in sentence
    narrow = "representation.pitch_range=[48,72]"
    sentence = refused(project, "compose", *words[:-1], narrow, code=2)
    assert "model.pitch_range=[36, 83] leaves the pitches of representation=pianoroll" in sentence


@pytest.mark.slow
@pytest.mark.parametrize("bars", [8, pytest.param(16, marks=pytest.mark.slow)])
def test_long_segments_go_through_every_stage(project: Path, bars: int) -> None:
    words = (*SMALL, f"model.bars={bars}", "training.epochs=1", "tracking=off")
    words = (*words, "+model.decoder.conductor_size=8", f"model.decoder._target_={HIERARCHICAL}")
    done = run(project, "ostinato", "run", *words)
    assert f"segments of {bars} bars of 16 steps to train on" in done.stdout
    [folder] = (project / "outputs" / "runs").glob("*/*")
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert metrics["segments"]["bars"] == bars
    assert metrics["latents"]["tokens"] == 16 * bars
    pieces = [read_midi(path) for path in (folder / "samples").glob("*.mid")]
    assert all(piece.quarters <= 4 * bars for piece in pieces)


@pytest.mark.slow
def test_a_killed_vae_resumes_to_the_same_weights(project: Path) -> None:
    check_a_killed_training_resumes(project, *SMALL)
