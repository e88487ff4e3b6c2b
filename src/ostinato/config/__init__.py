"""Composing, validating and building from conf/."""

from ostinato.config.building import Config
from ostinato.config.composing import compose, conf_folder, group_options

__all__ = ["Config", "compose", "conf_folder", "group_options"]
