"""`ostinato STAGE [overrides]`: the command line."""

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console, interrupts
from ostinato.arguments import OTHERS, STAGES, make_parser, split_source
from ostinato.config.location import project_folder
from ostinato.error_sentences import explain_error
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.config import Config
    from ostinato.stages.workspace import Workspace

OF_A_BUNDLE = ("generate", "evaluate")  # they start from a trained model, which decides


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
        if (answer := explain_error(error)) is None:
            raise
        sentence, code = answer
    _complain(sentence)  # the error is gone by now, and progress bars with it
    return code


def _dispatch(given: list[str], here: Path) -> int:
    parser = make_parser()
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
    commands = {
        "inspect": _inspect,
        "compare": _compare,
        "listen": _listen,
        "votes": _votes,
        "mirex": _mirex,
        "register": _register,
        "config": _export_config,
        "studio": _studio,
    }
    return commands.get(arguments.stage, _run_stage)(arguments, here)


def _run_all(words: list[str], here: Path) -> int:
    run, file, given = split_source(words)
    if {"-h", "--help"} & set(given):
        from ostinato.stages.compose import compose_values
        from ostinato.stages.workspace import Workspace
        from ostinato.usage import explain_run

        words = [word for word in given if not word.startswith("-") and "," not in word]
        explain_run(compose_values(words, Workspace.here().root, here))
        return 0
    from ostinato.stages.again import Source
    from ostinato.stages.run import main as run_all

    if run is None and file is None:
        return run_all(given, here)
    return run_all(given, here, Source(_name_run(run or "", here), file and _typed(file, here)))


def _export_config(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages.config_export import export_config
    from ostinato.stages.workspace import Workspace

    export_config(_name_run(arguments.run, here), arguments.overrides, Workspace.here())
    return 0


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
    if arguments.stage in OF_A_BUNDLE:
        from ostinato.stages.bundle_config import with_registered_model

        config = with_registered_model(config, workspace)
    if arguments.help:
        explain(arguments.stage, STAGES[arguments.stage], stage, config)
        return 0
    workspace.clear_remains()
    stage.run(config, workspace)
    return 0


def _compare(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.comparison.selection import Asked
    from ostinato.stages.compare import PAGE, Written
    from ostinato.stages.compare import run as compare_runs
    from ostinato.stages.compose import compose_tracking
    from ostinato.stages.workspace import Workspace

    workspace = Workspace.here()
    overrides = [word for word in arguments.runs if "=" in word]
    named = [_name_run(word, here) for word in arguments.runs if "=" not in word]
    sweep = arguments.sweep and _name_run(arguments.sweep, here)
    files = (arguments.page, arguments.csv, arguments.latex)
    page, csv, latex = (file and _typed(file, here) for file in files)
    written = Written(page or workspace.outputs / PAGE, csv, latex)
    asked = Asked(named, sweep, arguments.experiment, arguments.where)
    compare_runs(asked, written, compose_tracking(overrides, workspace.root), workspace)
    return 0


def _listen(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages import listen
    from ostinato.stages.compose import compose_values
    from ostinato.stages.workspace import Workspace

    workspace = Workspace.here()
    overrides = [word for word in arguments.runs if "=" in word and not (here / word).exists()]
    request = listen.Request(
        [word for word in arguments.runs if word not in overrides],
        arguments.real,
        arguments.pairs,
        arguments.seconds,
        arguments.seed,
    )
    config = compose_values(overrides, workspace.root, here)
    listen.listen(request, config, workspace, here)
    return 0


def _votes(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages import votes

    key, table = (path and here / path.expanduser() for path in (arguments.key, arguments.csv))
    votes.count([here / path.expanduser() for path in arguments.files], key, table)
    return 0


def _register(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages.compose import compose_tracking
    from ostinato.stages.register import Request, register
    from ostinato.stages.workspace import Workspace

    workspace = Workspace.here()
    overrides = [word for word in arguments.runs if "=" in word]
    named = [_name_run(word, here) for word in arguments.runs if "=" not in word]
    if len(named) != 1:
        raise ConfigError("register takes one RUN: the model of one run becomes one version.")
    request = Request(named[0], arguments.name, arguments.aliases)
    register(request, compose_tracking(overrides, workspace.root), workspace)
    return 0


def _studio(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages.workspace import Workspace
    from ostinato.studio.command import Request, run_studio

    asked = Request(
        arguments.models,
        arguments.host,
        arguments.port,
        arguments.workers,
        not arguments.no_browser,
    )
    return run_studio(asked, Workspace.here(), here)


def _mirex(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages.bundle_config import compose_for_bundle
    from ostinato.stages.mirex import Request, continue_prompt
    from ostinato.stages.workspace import Workspace

    workspace = Workspace.here()
    words = [arguments.samples, *arguments.overrides]
    overrides = [word for word in words if "=" in word]
    samples, *others = [word for word in words if "=" not in word] or ["8"]
    if others or not samples.isdecimal():
        wrong = " ".join([samples, *others])
        raise ConfigError(f"{wrong} is no number of samples: say 8, or another whole number.")
    prompt, folder = (_typed(path, here) for path in (arguments.prompt, arguments.folder))
    config = compose_for_bundle(overrides, workspace, here)
    continue_prompt(Request(prompt, folder, int(samples)), config, workspace)
    return 0


def _name_run(word: str, here: Path) -> str:
    """Return the path of a folder that is named from where one stands; else the word itself."""
    return str(path) if (path := _typed(Path(word), here)).is_dir() else word


def _inspect(arguments: argparse.Namespace, here: Path) -> int:
    from ostinato.stages.inspect import inspect
    from ostinato.stages.workspace import Workspace

    picture = arguments.picture and _typed(arguments.picture, here)
    inspect(_typed(arguments.path, here), picture, Workspace.here())
    return 0


def _composed(arguments: argparse.Namespace, workspace: "Workspace", here: Path) -> "Config":
    from ostinato.stages.bundle_config import compose_for_bundle
    from ostinato.stages.compose import compose_config

    if arguments.stage not in OF_A_BUNDLE:
        return compose_config(arguments.overrides, workspace.root, here)
    config = compose_for_bundle(arguments.overrides, workspace, here)
    if arguments.stage == "generate":
        config.build("method").check_sampling(config)
    return config


def _typed(path: Path, here: Path) -> Path:
    """A path of the command line, which is seen from where one stands."""
    return path if here == Path.cwd() else here / path


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


def _complain(sentence: str) -> None:
    print(f"ostinato: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
