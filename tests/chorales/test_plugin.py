"""The row's classes come in by `plugins: [chorales]`, and not without it."""

from pathlib import Path

import pytest
import torch

from defaults import build
from ostinato.config import Config, compose
from ostinato.errors import ConfigError
from ostinato.models.bundle import Bundle, build_network, load_bundle, save_bundle
from ostinato.music.piece_defaults import PieceDefaults
from ostinato.sampling.sequence import compose as draw

SMALL = [
    "experiment=jsb16_best",
    "model.voices.input.embedding_size=8",
    "model.voices.backbone.hidden_size=8",
    "model.backbone.hidden_size=8",
]
SETTING = PieceDefaults(96.0, 3, 4, (52, 0, 1, 2), ("Soprano", "Alto", "Tenor", "Bass"))


@pytest.fixture
def config() -> Config:
    return compose(SMALL)


def test_the_experiment_allows_the_plug_in_and_the_default_does_not(config: Config) -> None:
    assert config.plugins == ("chorales",)
    assert compose([]).plugins == ()
    with pytest.raises(ConfigError, match=r"chorales.*is not allowed: only classes of ostinato"):
        compose([*SMALL, "plugins=[]"])


def test_a_bundle_of_it_is_read_where_the_reader_allows_the_plug_in(
    config: Config, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    voices = config.build("representation")
    network = build_network(config, voices).eval()
    save_bundle(Bundle(config, voices, network, SETTING), tmp_path / "model")
    loaded = load_bundle(tmp_path / "model", ["chorales"])
    settings = build("sampling=ancestral", pieces=2, min_bars=0, max_bars=1)
    one, other = (
        draw(drawn_by, voices, settings, seed=3)  # type: ignore[arg-type]
        for drawn_by in (network, loaded.network)
    )
    assert [piece.steps.tolist() for piece in one] == [piece.steps.tolist() for piece in other]
    with pytest.raises(ConfigError, match="is not allowed"):
        load_bundle(tmp_path / "model")
