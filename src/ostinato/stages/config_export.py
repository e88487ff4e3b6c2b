"""config export: a run -> a file from which others make it again, without MLflow."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from ostinato.config import conf_folder
from ostinato.config.sharing import complete, dump_shared
from ostinato.errors import ConfigError
from ostinato.stages.again import local_overrides
from ostinato.stages.compose import compose_tracking
from ostinato.stages.earlier_run import find_run
from ostinato.stages.workspace import Workspace


def export_config(named: str, overrides: Sequence[str], workspace: Workspace) -> None:
    """Print the config of a run with its provenance, as YAML.

    named: as `find_run` takes it; overrides: of tracking, which say where to look. Raises
    `ConfigError` for a run that is not there, and for one whose config holds a password.
    """
    with redirect_stdout(sys.stderr):  # the file alone is printed: it is piped
        run = find_run(named, compose_tracking(overrides, workspace.root), workspace)
        try:
            config = complete(
                run.tree, local_overrides(workspace.root), conf_folder(workspace.root)
            )
        except ConfigError as error:
            raise ConfigError(f"{run.name}: {str(error).rstrip('.')}.") from error
    text = dump_shared(config, run.provenance.tree())
    sys.stdout.write(text)
