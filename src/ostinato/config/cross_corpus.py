"""Corpora on whose test split a model is scored besides its own, each composed as its own is."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato.config.instantiate import Config
from ostinato.config.location import key_of
from ostinato.errors import ConfigError

NAMED, COMPOSED = "evaluation.corpora", "test_corpora"
PARTS = ("corpus", "split")  # of a config, which say what the test pieces of a corpus are
# which music the run's own corpus is; what is done to it holds for every corpus
OF_ITS_OWN = ("corpus.name", "corpus.path", "corpus.source", "corpus.mirror")

Compose = Callable[[list[str], Path], Mapping[str, Any]]


def with_test_corpora(
    config: Config, overrides: Sequence[str], conf: Path, compose: Compose
) -> Config:
    """Return the config with the settings of every corpus that `evaluation.corpora` names.

    Under `test_corpora` stand the corpus and the split of each, as they would be if the run were
    trained on it under the same overrides. `compose` makes a tree of overrides. Raises
    `ConfigError` for a corpus that does not compose, and for two that are called alike.
    """
    named = dict.fromkeys(config["evaluation"].get("corpora") or ())
    composed = {name: _compose_parts(name, config, overrides, conf, compose) for name in named}
    called: dict[str, str] = {}
    for name, parts in composed.items():
        title = parts["corpus"]["name"]
        if (other := called.setdefault(title, name)) != name:
            raise ConfigError(
                f"{NAMED} names {other} and {name}, which are both called {title}: give one of "
                "them another `name` in its file of conf/corpus."
            )
    changed = Config({**config.tree, COMPOSED: composed}, config.plugins)
    changed.left_out = config.left_out
    return changed


def _compose_parts(
    name: str, config: Config, overrides: Sequence[str], conf: Path, compose: Compose
) -> dict[str, Any]:
    """Return the nodes `corpus` and `split` of one corpus, checked."""
    if name == config["choices"]["corpus"]:
        return {part: config[part] for part in PARTS}
    shared = [word for word in overrides if not _is_of_one_corpus(key_of(word))]
    try:
        tree = compose([*shared, f"corpus={name}"], conf)
        parts = Config(tree, config.plugins).only(*PARTS)
        for part in PARTS:
            parts.check(part)
    except ConfigError as error:
        raise ConfigError(f"{NAMED} names {name}, and {error}") from error
    return parts.tree


def _is_of_one_corpus(key: str) -> bool:
    return key == "corpus" or any(key == own or key.startswith(f"{own}.") for own in OF_ITS_OWN)
