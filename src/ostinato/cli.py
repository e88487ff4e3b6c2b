"""`ostinato STAGE [overrides]`: the command line."""

import argparse
import contextlib
import errno
import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ostinato import __version__, console, interrupts
from ostinato.config.location import project_folder
from ostinato.errors import ConfigError, UserError
from ostinato.stages import listening_commands

if TYPE_CHECKING:
    from ostinato.config import Config
    from ostinato.stages.workspace import Workspace

STAGES = {
    "fetch": "write the corpus into data/",
    "compose": "params.yaml and conf/ -> outputs/config.yaml, every value checked",
    "preprocess": "data/ -> outputs/pieces (Parquet), with rejects.csv",
    "split": "outputs/pieces -> outputs/split.json",
    "train": "pieces and split -> outputs/model, on an MLflow run; resumes by itself",
    "generate": "outputs/model -> outputs/samples: MIDI, sound, pictures, listen.html",
    "evaluate": "model and samples -> outputs/evaluation: metrics, plots, report.html",
}
OF_A_BUNDLE = ("generate", "evaluate")  # they start from a trained model, which decides
OTHERS = {
    "run": "all stages in one process, without DVC; -m sweeps",
    "inspect": "say what a folder of music, a music file, a token store or a model holds",
    "listen": listening_commands.LISTEN,
    "votes": listening_commands.VOTES,
    "ui": "show the MLflow runs in the browser",
}
INTERRUPTED = 130
NOTHING = 64 * 1024  # bytes: less than this left on a disk is nothing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with interrupts.deferred_interrupts():
        return _run(given)


def _run(given: list[str]) -> int:
    """Work in the project's root, so that all its paths are seen from there."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        _complain("the folder that you stand in is gone: change into another one.")
        return 1
    with console.seen_from(here), contextlib.chdir(project_folder(here) or here):
        return _answered(given, here)


def _answered(given: list[str], here: Path) -> int:
    try:
        return _dispatch(given, here)
    except BrokenPipeError:  # whoever read our words has gone: `ostinato run --help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if (answer := _answer(error)) is None:
            raise
        sentence, code = answer
    _complain(sentence)  # the error is gone by now, and progress bars with it
    return code


def _answer(error: BaseException) -> tuple[str, int] | None:
    """The sentence and the exit code for an error; None for one that is nobody's mistake."""
    if interrupts.is_interrupt(error):
        return "interrupted.", INTERRUPTED
    if isinstance(error, UserError):
        return str(error), error.exit_code
    sentence = _about_disk(error) or _about_store(error)
    return (sentence, 1) if sentence else None


def _dispatch(given: list[str], here: Path) -> int:
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:
        _offer_completions(parser)
    if given and not given[0].startswith("-") and given[0] not in STAGES | OTHERS:
        known = ", ".join(STAGES | OTHERS)
        raise ConfigError(f"{given[0]} is no stage: there are {known}.")
    if given and given[0] == "run":
        return _run_all(given[1:], here)
    arguments = parser.parse_args(given)
    if arguments.stage is None:
        parser.print_help()
        return 2
    if arguments.stage == "ui":
        return _show_runs(arguments.port, not arguments.no_browser)
    if arguments.stage in ("listen", "votes"):
        return listening_commands.run(arguments, here)
    if arguments.stage == "inspect":
        return _inspect(arguments, here)
    return _run_stage(arguments, here)


def _run_all(given: list[str], here: Path) -> int:
    if {"-h", "--help"} & set(given):
        from ostinato.stages.compose import compose_values
        from ostinato.stages.workspace import Workspace
        from ostinato.usage import explain_run

        words = [word for word in given if not word.startswith("-") and "," not in word]
        explain_run(compose_values(words, Workspace.here().root, here))
        return 0
    from ostinato.stages.run import main as run_all

    return run_all(given, here)


def _run_stage(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.config import Config
    from ostinato.stages.workspace import Workspace
    from ostinato.usage import explain

    workspace = Workspace.here()
    stage = importlib.import_module(f"ostinato.stages.{arguments.stage}")
    if arguments.config and arguments.overrides:
        raise ConfigError("give either --config or overrides: a composed config is used as it is.")
    config = (
        Config.load(_typed(arguments.config, here))
        if arguments.config
        else _composed(arguments, workspace, here)
    )
    if arguments.help:
        explain(arguments.stage, STAGES[arguments.stage], stage, config)
        return 0
    workspace.clear_remains()
    stage.run(config, workspace)
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Refuse the command line in one sentence."""
        raise ConfigError(f"{message}; values are given as key=value, see {self.prog} --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ostinato",
        description="A configuration-driven experiment pipeline for symbolic music generation.",
        epilog="Values are set as Hydra overrides: `ostinato train model=gru "
        "training.learning_rate=0.001`. `ostinato STAGE --help` shows what a stage can be told.",
    )
    parser.add_argument("--version", action="version", version=f"ostinato {__version__}")
    commands = parser.add_subparsers(dest="stage", metavar="STAGE")
    for name, line in STAGES.items():
        stage = commands.add_parser(name, help=line, add_help=False)
        stage.add_argument("-h", "--help", action="store_true")
        stage.add_argument("--config", type=Path, metavar="FILE")
        overrides = stage.add_argument("overrides", nargs="*", metavar="key=value")
        overrides.completer = _completions  # type: ignore[attr-defined]
    commands.add_parser("run", help=OTHERS["run"], add_help=False).add_argument(
        "overrides", nargs="*"
    ).completer = _completions  # type: ignore[attr-defined]
    _add_inspect(commands)
    listening_commands.add_commands(commands)
    ui = commands.add_parser("ui", help=OTHERS["ui"])
    ui.add_argument("--port", type=int, default=5000, help="of the local server (5000)")
    ui.add_argument("--no-browser", action="store_true", help="print the address alone")
    return parser


def _add_inspect(commands: Any) -> None:
    inspect = commands.add_parser(
        "inspect",
        help=OTHERS["inspect"],
        description="Say what PATH holds, and draw it: a folder of music files, preprocessed "
        "pieces (outputs/pieces), one music file, a token store (below outputs/cache/tokens) or a "
        "trained model (outputs/model).",
    )
    inspect.add_argument("path", type=Path, metavar="PATH")
    inspect.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="the PNG to write (outputs/inspected/NAME.png)",
    )


def _inspect(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages.inspect import inspect
    from ostinato.stages.workspace import Workspace

    picture = arguments.picture and _typed(arguments.picture, here)
    inspect(_typed(arguments.path, here), picture, Workspace.here())
    return 0


def _composed(arguments: argparse.Namespace, workspace: "Workspace", here: Path) -> "Config":
    from ostinato.stages.bundled import composed_for_bundle
    from ostinato.stages.compose import composed

    if arguments.stage not in OF_A_BUNDLE:
        return composed(arguments.overrides, workspace.root, here)
    config = composed_for_bundle(arguments.overrides, workspace, here)
    if arguments.stage == "generate":
        config.build("method").check_sampling(config)
    return config


def _typed(path: Path, here: Path) -> Path:
    """A path of the command line, which is seen from where one stands."""
    return path if here == Path.cwd() else here / path


def _completions(prefix: str, **_: Any) -> list[str]:
    """Groups with their options, and the keys of the config."""
    from ostinato.config.completion import completions

    return completions(prefix)


def _offer_completions(parser: argparse.ArgumentParser) -> None:
    import argcomplete

    argcomplete.autocomplete(parser)


def _show_runs(port: int, browser: bool) -> int:
    from ostinato.stages.workspace import Workspace
    from ostinato.ui import serve

    try:
        return serve(Workspace.here().home, port, browser)
    except KeyboardInterrupt:  # how one ends it
        return 0


def _about_disk(error: BaseException) -> str | None:
    """A sentence for what a disk refuses, or None for any other error."""
    full = "the disk is full{}: free some space and run the same command again."
    if not isinstance(error, OSError):
        # torch, safetensors and sqlite have errors of their own for a write that fails
        return full.format("") if _nothing_free() else None
    where = f" at {console.where(Path(os.fsdecode(error.filename)))}" if error.filename else ""
    return {
        errno.ENOSPC: full.format(where),
        errno.EDQUOT: f"the disk quota is used up{where}: free some space and run it again.",
        errno.EROFS: f"cannot write{where}: the file system is read-only.",
        errno.EACCES: f"no permission{where}: check who owns it.",
        errno.EPERM: f"no permission{where}: check who owns it.",
    }.get(error.errno or 0)


def _nothing_free() -> bool:
    from ostinato.stages.workspace import Workspace

    outputs = Workspace.here().outputs
    return outputs.exists() and shutil.disk_usage(outputs).free < NOTHING


def _about_store(error: BaseException) -> str | None:
    """A sentence for what MLflow reports, or None for any other error."""
    if not type(error).__module__.startswith("mlflow."):
        return None
    from ostinato.tracking import explained

    return explained(error)


def _complain(sentence: str) -> None:
    print(f"ostinato: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
