"""Every stage in one process, sweeps, bundles alone, and input that cannot be used."""

import json
import shutil
from pathlib import Path

import pytest

from defaults import build
from projects import refused, run

SMALL = ("debug=smoke", "model.size=tiny", "model.backbone.hidden_size=32")
TINY = (
    *SMALL,
    "training.epochs=1",
    "training.max_pieces=8",
    "sampling.max_bars=3",
)


@pytest.mark.slow
def test_a_sweep_makes_a_run_of_each_and_reads_the_corpus_once(project: Path) -> None:
    done = run(project, "ostinato", "run", "-m", "model=rnn,gru", *TINY)
    assert done.stdout.count("pieces read") == 1
    folders = sorted((project / "outputs" / "sweeps").glob("*/*/[0-9]"))
    assert [
        json.loads((f / "samples" / "sampling.json").read_text())["model"] for f in folders
    ] == [
        "rnn",
        "gru",
    ]
    assert all((f / "evaluation" / "report.html").exists() for f in folders)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("experiment=article",), ("~experiment", "representation=event")], ids=" ".join
)
def test_other_recipes_run_whole(project: Path, words: tuple[str, ...]) -> None:
    run(project, "ostinato", "run", *words, *TINY, "tracking=off")
    [samples] = (project / "outputs" / "runs").glob("*/*/samples")
    assert len(list(samples.glob("*.wav"))) == 2


@pytest.mark.slow
def test_a_bundle_alone_composes_anywhere(project: Path, tmp_path: Path) -> None:
    for stage in ("preprocess", "split", "train"):
        run(project, "ostinato", stage, *TINY, "tracking=off")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(project / "outputs" / "model", elsewhere / "bundle")
    prompt = next((project / "data" / "bach").iterdir())
    shutil.copy(prompt, elsewhere / "mine.mid")
    words = ("model_dir=bundle", "sampling.pieces=2", "sampling.max_bars=6", "tracking=off")
    run(elsewhere, "ostinato", "generate", *words, "samples_dir=new")
    assert len(list((elsewhere / "new").glob("*.mid"))) == 2
    run(elsewhere, "ostinato", "generate", *words, "samples_dir=on", "sampling.prompt=mine.mid")
    assert len(list((elsewhere / "on").glob("*.mid"))) == 2
    sentence = refused(elsewhere, "generate", *words, "sampling.prompt=none.mid")
    assert "none.mid is not there" in sentence


@pytest.mark.slow
def test_byte_pairs_are_learned_from_the_training_pieces_and_travel(
    project: Path, tmp_path: Path
) -> None:
    from ostinato.corpora.store import PieceStore

    learning = ("representation.vocabulary=750", "training.transpose=[0,0]", "tracking=off")
    words = ("representation=remi", *learning, *TINY)
    for stage in ("preprocess", "split", "train", "generate", "evaluate"):
        run(project, "ostinato", stage, *words)
    outputs = project / "outputs"
    names = json.loads((outputs / "split.json").read_text())["train"]
    expected = build("representation=remi", vocabulary=750)
    expected.train(piece for piece in PieceStore(outputs / "pieces") if piece.name in names)
    assert (outputs / "model" / "learned.json").read_bytes() == expected.state()
    assert (outputs / "samples" / "listen.html").exists()
    metrics = json.loads((outputs / "evaluation" / "metrics.json").read_text())
    assert 0 < metrics["test"]["nats_per_token"] < 10
    assert len(list((outputs / "cache" / "tokens").glob("*/steps.bin"))) == 1
    assert "750 tokens" in run(project, "ostinato", "inspect", "outputs/model").stdout
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(outputs / "model", elsewhere / "bundle")
    alone = (
        "model_dir=bundle",
        "sampling.pieces=1",
        "sampling.max_bars=2",
        "tracking=off",
    )
    run(elsewhere, "ostinato", "generate", *alone, "samples_dir=new")
    assert (elsewhere / "new" / "sample-01.mid").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "of_many"),
    [
        pytest.param(("model/frame_head=bernoulli",), False, marks=pytest.mark.slow),
        (("model/frame_head=autoregressive", "model.frame_head.copies=1"), True),
    ],
    ids=["bernoulli", "autoregressive"],
)
def test_a_model_of_frames_goes_through_every_stage(
    project: Path, head: tuple[str, ...], of_many: bool
) -> None:
    words = ("representation=pianoroll", "model=gru", *head, *TINY)
    done = run(project, "ostinato", "run", *words, "tracking=off")
    assert "nats per frame in epoch 1" in done.stdout + done.stderr
    [folder] = (project / "outputs" / "runs").glob("*/*")
    test = json.loads((folder / "evaluation" / "metrics.json").read_text())["test"]
    total = pytest.approx(test["nats_per_frame"] * test["frames"], rel=1e-4)
    assert test["nats_per_note"] * test["notes"] == total
    rows = (folder / "evaluation" / "pieces.csv").read_text().splitlines()
    baselines = "unigram_nats,bigram_nats,ngram_nats,ppm_nats"
    assert rows[0] == f"name,nats,frames,notes,quarters,seconds,{baselines}"
    assert len(rows) == 1 + test["pieces"]
    assert sum(float(row.split(",")[1]) for row in rows[1:]) == total
    assert f"{test['frames']:,} frames" in (folder / "evaluation" / "report.html").read_text()
    about = json.loads((folder / "samples" / "sampling.json").read_text())
    assert "temperature" in about
    assert ("pitch_top_p" in about) == of_many, "only what is drawn one of many has a nucleus"
    assert len(list((folder / "samples").glob("*.wav"))) == 2
    shown = run(project, "ostinato", "inspect", str(folder / "model")).stdout
    assert "256 columns" in shown
    assert "nats per frame" in shown
    continued = ("sampling.prompt=test", f"model_dir={folder / 'model'}", "samples_dir=on")
    for stage in ("preprocess", "split"):
        run(project, "ostinato", stage, *words, "tracking=off")
    run(project, "ostinato", "generate", *words, *continued, "tracking=off")
    assert len(list((project / "on").glob("*.mid"))) == 2


def test_missing_and_useless_data_are_told_in_a_sentence(project: Path) -> None:
    shutil.rmtree(project / "data" / "bach")
    assert "run `ostinato fetch` or `dvc pull`" in refused(project, "preprocess")
    (project / "data" / "bach").mkdir()
    assert "empty" in refused(project, "preprocess")
    (project / "data" / "bach" / "words.mid").write_text("This is no music.")
    assert "words.mid" in refused(project, "preprocess")
    assert "run `ostinato preprocess`" in refused(project, "split")
    assert "outputs/pieces" in refused(project, "train")
    assert "is not a trained model" in refused(project, "generate")
    assert not list(project.rglob("*.part"))
    assert "lstm" in refused(project, "run", "model=lstmm", code=2)


def test_flags_of_hydra_stand_anywhere(project: Path) -> None:
    for words in (("--cfg", "job", "model=rnn"), ("model=rnn", "--cfg", "job", "seed=3")):
        assert "ostinato.models.recurrent.RNN" in run(project, "ostinato", "run", *words).stdout
