"""Arguments of the command line: stages, commands and their options."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ostinato import __version__
from ostinato.errors import ConfigError

STAGES = {
    "fetch": "write the corpus into data/",
    "compose": "params.yaml and conf/ -> outputs/config.yaml, every value checked",
    "preprocess": "data/ -> outputs/pieces (Parquet), with rejects.csv",
    "split": "outputs/pieces -> outputs/split.json",
    "train": "pieces and split -> outputs/model, on an MLflow run; resumes by itself",
    "generate": "outputs/model -> outputs/samples: MIDI, sound, pictures, listen.html",
    "evaluate": "model and samples -> outputs/evaluation: metrics, plots, report.html",
}
OTHERS = {
    "run": "all stages in one process, without DVC; -m sweeps",
    "config": "export the config of a run for others, without paths and passwords",
    "inspect": "say what a folder of music, a music file, a token store or a model holds",
    "compare": "set runs side by side: a page to see and hear, a table, CSV, LaTeX",
    "listen": "make the page of a blind listening test, of samples of several runs",
    "votes": "count the votes of a listening test: strengths of systems, with intervals",
    "mirex": "continue a prompt of four bars, in the JSON of MIREX's shared task",
    "register": "name the model of a run in MLflow's registry, from which it can be served",
    "ui": "show the MLflow runs in the browser",
    "studio": "compose, infill and harmonise with a trained model, in the browser or by HTTP",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are sentences of this program."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line in one sentence."""
        raise ConfigError(f"{message}; values are given as key=value, see {self.prog} --help.")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(
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
    run = commands.add_parser("run", help=OTHERS["run"], add_help=False, parents=[_sources()])
    run.add_argument("overrides", nargs="*").completer = _completions  # type: ignore[attr-defined]
    _add_config(commands)
    _add_inspect(commands)
    _add_compare(commands)
    _add_listen(commands)
    _add_votes(commands)
    _add_mirex(commands)
    _add_register(commands)
    _add_studio(commands)
    ui = commands.add_parser("ui", help=OTHERS["ui"])
    ui.add_argument("--port", type=int, default=5000, help="of the local server (5000)")
    ui.add_argument("--no-browser", action="store_true", help="print the address alone")
    return parser


def split_source(words: Sequence[str]) -> tuple[str | None, Path | None, list[str]]:
    """Return what `ostinato run` is given after --from and --config, and its other words."""
    found, others = _sources().parse_known_args(words)
    return found.source, found.config, others


def _sources() -> Parser:
    """Return a parser of the options of `run` that name an earlier run."""
    parser = Parser(prog="ostinato run", add_help=False, allow_abbrev=False)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--from", dest="source", metavar="RUN")
    either.add_argument("--config", type=Path, metavar="FILE")
    return parser


def _add_config(commands: Any) -> None:
    config = commands.add_parser("config", help=OTHERS["config"], description=OTHERS["config"])
    actions = config.add_subparsers(dest="action", metavar="export", required=True)
    export = actions.add_parser(
        "export",
        help="print the config of a run as YAML",
        description="Print what `ostinato run --config FILE` makes a run again from: its config, "
        "commit, hashes and versions, as YAML. Paths of this machine are left out.",
        epilog="A RUN is the folder of a run, such as outputs/runs/2026-01-31/12-00-00, or the id, "
        "the name or the address of an MLflow run. A key=value sets where runs are looked for, "
        "such as tracking.uri=http://HOST:5000.",
    )
    export.add_argument("run", metavar="RUN")
    export.add_argument("overrides", nargs="*", default=[], metavar="key=value")


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


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare",
        help=OTHERS["compare"],
        description="Set MLflow runs side by side. Runs that differ in the seed alone are one row. "
        "Without RUN, --sweep or --where, all runs of the experiment are compared.",
        epilog="A RUN is the id or the name of an MLflow run, or the folder of one, such as "
        "outputs/runs/2026-01-31/12-00-00. A key=value sets the config, such as "
        "tracking.uri=http://HOST:5000.",
    )
    compare.add_argument("runs", nargs="*", metavar="RUN")
    compare.add_argument("--sweep", metavar="ID|FOLDER", help="the runs of a sweep")
    compare.add_argument("--experiment", metavar="NAME", help="of MLflow (tracking.experiment)")
    compare.add_argument(
        "--where", metavar="SEARCH", help="in MLflow's language: \"params.choices.model = 'gru'\""
    )
    compare.add_argument(
        "--page", type=Path, metavar="FILE", help="the page to write (outputs/compare.html)"
    )
    compare.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV too")
    compare.add_argument("--latex", type=Path, metavar="FILE", help="write it as LaTeX too")
    _allow_any_order(compare)


def _add_listen(commands: Any) -> None:
    listen = commands.add_parser(
        "listen",
        help=OTHERS["listen"],
        description="Write outputs/listening/TEST/test.html, a page that plays pairs of samples "
        "without saying whose they are, and key.json beside it, which says so.",
    )
    listen.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a folder of samples, a folder of a run, or the id of an MLflow run; key=value are "
        "overrides, as tracking.uri=http://HOST:5000",
    )
    listen.add_argument("--real", action="store_true", help="add pieces of the test split")
    listen.add_argument("--pairs", type=int, default=24, metavar="N", help="at most (24)")
    listen.add_argument(
        "--seconds", type=float, default=30, metavar="N", help="of a piece, after its prompt (30)"
    )
    listen.add_argument("--seed", type=int, default=0, metavar="N", help="of the order (0)")
    _allow_any_order(listen)


def _add_votes(commands: Any) -> None:
    votes = commands.add_parser("votes", help=OTHERS["votes"], description=OTHERS["votes"])
    votes.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="that listeners downloaded"
    )
    votes.add_argument(
        "--key", type=Path, metavar="FILE", help="of the test (outputs/listening/TEST/key.json)"
    )
    votes.add_argument("--csv", type=Path, metavar="FILE", help="the table to write")
    _allow_any_order(votes)


def _add_mirex(commands: Any) -> None:
    mirex = commands.add_parser(
        "mirex",
        help=OTHERS["mirex"],
        description="Continue the prompt in FILE, a bar for a pickup and four bars of 4/4, by "
        "twelve bars. FOLDER gets sample_01.json, sample_02.json, … as the symbolic music "
        "generation task of MIREX 2025 asks for them.",
        epilog="A key=value sets the config, such as model_dir=path/to/a/model or seed=1. The "
        "model of experiment=mirex is made for it.",
    )
    mirex.add_argument("prompt", type=Path, metavar="FILE", help='{"prompt": [{"start": 16, …}]}')
    mirex.add_argument("folder", type=Path, metavar="FOLDER", help="to write")
    mirex.add_argument("samples", nargs="?", default="8", metavar="N", help="how many (8)")
    mirex.add_argument("overrides", nargs="*", default=[], metavar="key=value")


def _add_register(commands: Any) -> None:
    register = commands.add_parser(
        "register",
        help=OTHERS["register"],
        description="Make the model of RUN a version of the registered model NAME. "
        "`ostinato generate model_dir=models:/NAME@ALIAS` and `mlflow models serve` take it.",
        epilog="A key=value sets the config, such as tracking.uri=http://HOST:5000.",
    )
    register.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="the id or the name of an MLflow run, or the folder of a run or of a model",
    )
    register.add_argument("--name", required=True, help="of the registered model")
    register.add_argument(
        "--alias",
        action="append",
        default=[],
        dest="aliases",
        metavar="ALIAS",
        help="that shall mean this version, such as champion; it may be given several times",
    )
    _allow_any_order(register)


def _add_studio(commands: Any) -> None:
    studio = commands.add_parser(
        "studio",
        help=OTHERS["studio"],
        description="Open models on a page on this machine: music is composed, heard, seen and "
        "changed there. The same is an HTTP API, described at /openapi.json.",
        epilog="A MODEL is the folder of a trained model or of a run, models:/NAME@ALIAS, or the "
        "id or the name of an MLflow run; without one it is outputs/model.",
    )
    studio.add_argument("models", nargs="*", metavar="MODEL")
    studio.add_argument("--port", type=int, default=5050, help="of the local server (5050)")
    studio.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to serve at (127.0.0.1); at any other the page needs the printed token",
    )
    studio.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that compose (1)"
    )
    studio.add_argument("--no-browser", action="store_true", help="print the address alone")
    _allow_any_order(studio)


def _allow_any_order(parser: argparse.ArgumentParser) -> None:
    """Let a command take words after its options too, as `listen RUN --real RUN`."""
    plain = parser.parse_known_args

    def parse(*arguments: Any, **named: Any) -> Any:
        # the intermixed way of argparse calls this method itself
        parser.parse_known_args = plain  # type: ignore[method-assign]
        return parser.parse_known_intermixed_args(*arguments, **named)

    parser.parse_known_args = parse  # type: ignore[method-assign]


def _completions(prefix: str, **_: Any) -> list[str]:
    """Groups with their options, and the keys of the config."""
    from ostinato.config.completion import completions

    return completions(prefix)
