"""What would stop generating after a training is refused before it."""

from pathlib import Path

import pytest

from ostinato.errors import UserError
from ostinato.music.sound import default_soundfont
from ostinato.stages import compose
from ostinato.stages.workspace import Workspace


def composed(project: Path, *overrides: str) -> Path:
    """Run the stage as `ostinato compose` does; returns what it writes."""
    workspace = Workspace(project, project / "outputs")
    compose.run(compose.compose_config(overrides, project), workspace)
    return workspace.config


@pytest.fixture(autouse=True)
def there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in the project, beside files that are no music and no sound."""
    monkeypatch.chdir(project)
    (project / "broken.mid").write_bytes(b"MThd")
    (project / "broken.sf2").write_bytes(b"RIFF")
    (project / "tune.abc").write_text("X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|\n")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["sampling.soundfont=none.sf2"], r"there is no soundfont at .*none\.sf2"),
        (["sampling.soundfont=broken.sf2"], r"broken\.sf2 is not a soundfont"),
        (["sampling.prompt=none.mid"], r"sampling\.prompt=\S*none\.mid is not there"),
        (["sampling.prompt=broken.mid"], r"sampling\.prompt=\S*broken\.mid cannot be read"),
        (["sampling.prompt=tune.abc"], r"tune\.abc cannot be a prompt: as voices the piece "),
        (
            ["model=vae", "sampling=vary", "sampling.piece=none.mid"],
            r"piece=.* is not there",
        ),
        (["samples_dir=params.yaml/x"], r"samples_dir=\S* cannot be (?:written|replaced)"),
    ],
)
def test_what_sampling_cannot_use_is_refused_at_compose(
    overrides: list[str], sentence: str, project: Path
) -> None:
    vae = ["representation=pitch"] if "model=vae" in overrides else []
    with pytest.raises(UserError, match=sentence):
        composed(project, *overrides, *vae)
    assert not (project / "outputs" / "config.yaml").exists()


def test_what_is_there_is_taken(project: Path) -> None:
    chorale = next((project / "data" / "bach").iterdir()).relative_to(project)
    font = f"sampling.soundfont={default_soundfont()}"
    assert composed(project, f"sampling.prompt={chorale}", font, "samples_dir=mine").exists()
