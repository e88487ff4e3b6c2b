"""Overrides as they are typed, and the sentence for one that Hydra's grammar does not take."""

import shlex
from collections.abc import Iterable, Sequence

from ostinato.config.location import PATHS, key_of
from ostinato.errors import ConfigError


def quote_paths(overrides: Sequence[str]) -> list[str]:
    """Return the overrides, those of paths quoted where Hydra would not take them as they are.

    A file may be called `Été (1).mid`; what can be read, sweeps among them, stays.
    """
    return [
        _quote(override) if key_of(override) in PATHS and not is_readable(override) else override
        for override in overrides
    ]


def explain_unreadable(overrides: Iterable[str]) -> str | None:
    """Return the sentence for the first override that cannot be read; None where all can."""
    for override in overrides:
        if not is_readable(override):
            if "=" not in override or not is_readable(f"{key_of(override)}=1"):
                return f"{override!r} is no override: write key=value, for example model=gru."
            return (
                f"{override} cannot be read: put a value that is more than letters and digits into "
                f"quotes, {_quote_for_shell(_quote(override))}."
            )
    return None


def refuse_sweep_settings(overrides: Iterable[str]) -> None:
    """Raise `ConfigError` for a setting of sweeps where there is no sweep."""
    for override in overrides:
        if key_of(override).startswith("sweep."):
            raise ConfigError(
                f"{key_of(override)} is a setting of sweeps: give it to `ostinato run -m`."
            )


def is_readable(override: str) -> bool:
    """Return whether Hydra's grammar takes an override."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return bool(key_of(override))


def _quote_for_shell(override: str) -> str:
    """Return an override as a shell takes it."""
    return shlex.quote(override) if set(override) & set('"$`\\!') else f'"{override}"'


def _quote(override: str) -> str:
    key, _, value = override.partition("=")
    plain = value.strip("'\"") if value[:1] in ("'", '"') else value
    return f"{key}='{plain}'" if "'" not in plain else f'{key}="{plain}"'
