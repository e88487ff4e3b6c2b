"""Composing, validating and building from conf/."""

from ostinato.config.composition import compose, group_options
from ostinato.config.instantiate import Config
from ostinato.config.location import conf_folder

__all__ = ["Config", "compose", "conf_folder", "group_options"]
