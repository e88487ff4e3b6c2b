"""A sweep over corpora, whose models are each scored on the test split of all of them."""

import json
import shutil
from pathlib import Path

import pytest

from projects import refused, run

TINY = (
    "debug=smoke",
    "experiment=cross_corpus",
    "corpus.min_notes=1",
    "model.size=tiny",
    "model.backbone.hidden_size=16",
    "training.epochs=1",
    "sampling.min_bars=0",
    "sampling.max_bars=2",
    "sampling.pieces=1",
    "evaluation.originality_pieces=0",
)


def add_corpus(project: Path, name: str) -> None:
    """Add the chorales of the project once more, as another corpus."""
    shutil.copytree(project / "data" / "bach", project / "data" / name)
    option = f"# A corpus.\ndefaults: [_base, _self_]\nname: {name}\npath: data/{name}\n"
    (project / "conf" / "corpus" / f"{name}.yaml").write_text(option)


@pytest.mark.slow
def test_a_sweep_over_corpora_ends_with_a_matrix(project: Path) -> None:
    add_corpus(project, "again")
    done = run(project, "ostinato", "run", "-m", "corpus=bach,again", *TINY)
    assert done.stdout.count("pieces read") == 2, "each corpus is read once for the sweep"
    assert "evaluation.corpora=[bach,again]" in done.stdout
    assert "trained on" in done.stdout
    jobs = sorted((project / "outputs" / "sweeps").glob("*/*/[0-9]"))
    found = [json.loads((job / "evaluation" / "cross_corpus.json").read_text()) for job in jobs]
    assert [list(scores) for scores in found] == [["bach", "again"]] * 2
    # the same music under another name, trained on and tested on: all four cells are equal
    cells = {scores[corpus]["nats_per_note"] for scores in found for corpus in scores}
    assert len(cells) == 1
    page = (jobs[0].parent / "compare.html").read_text()
    assert page.count('class="own"') == 4, "the diagonal, by note and by quarter note"


def test_a_sweep_names_what_is_wrong_with_a_corpus(project: Path) -> None:
    sentence = refused(project, "run", "-m", "corpus=bach,again", *TINY, code=2)
    assert "corpus=again is unknown" in sentence
    add_corpus(project, "again")
    shutil.rmtree(project / "data" / "again")
    sentence = refused(project, "run", *TINY, "evaluation.corpora=[again]")
    assert "data/again is not there" in sentence
    sentence = refused(project, "run", "model=gan", *TINY[2:3], "evaluation.corpora=[bach]", code=2)
    assert "gives no likelihood" in sentence
