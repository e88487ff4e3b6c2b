"""What is typed on the command line is read, or refused in our words, never in Hydra's."""

from pathlib import Path

import pytest

from ostinato.errors import ConfigError
from ostinato.stages.compose import compose_config

ROOT = Path(__file__).parents[2]
FOREIGN = ("hydra.cc", "mismatched input", "no viable", "defaults list", "EOF", "Available options")


@pytest.mark.parametrize(
    "name",
    ["Étude.mid", "my song (1).mid", "a=b.mid", "a&b.mid", "a[b].mid", "it's.mid", "a;b!.mid"],
)
def test_a_file_may_be_called_anything(name: str) -> None:
    assert compose_config([f"sampling.prompt={name}"], ROOT)["sampling.prompt"] == name


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("=", "'=' is no override: write key=value"),
        ("=3", "'=3' is no override"),
        (".x=3", "'.x=3' is no override"),
        ("~", "'~' is no override"),
        ("training.epochs:3", "is no override"),
        ("training={a: 1", "training={a: 1 cannot be read: put a value that is more than"),
        ("training.epochs=[1", "into quotes, \"training.epochs='[1'\"."),
        ("corpus.name=rock&roll", "into quotes, \"corpus.name='rock&roll'\"."),
        ("seed==1", "cannot be read"),
        ("model=", "model= names no option: there are gan,"),
        ("+model=gru", "model is chosen already: write model=… without a plus."),
        ("~nope", "~nope does not fit: no such value is there to leave out."),
        ("hydra/launcher=nope", "hydra/launcher=nope is unknown: the options of hydra/launcher"),
    ],
)
def test_what_cannot_be_read_is_refused_in_our_words(override: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compose_config([override], ROOT)
    assert sentence in str(refused.value)
    assert not [word for word in FOREIGN if word in str(refused.value)]
    assert "\n" not in str(refused.value)


def test_what_is_said_of_quotes_works() -> None:
    assert compose_config(["corpus.name='rock&roll'"], ROOT)["corpus.name"] == "rock&roll"
