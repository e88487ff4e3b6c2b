"""Command lines of `ostinato listen` and `ostinato votes`."""

import argparse
from pathlib import Path
from typing import Any

LISTEN = "make the page of a blind listening test, of samples of several runs"
VOTES = "count the votes of a listening test: strengths of systems, with intervals"


def add_commands(commands: Any) -> None:
    """Add both to the commands of a parser."""
    listen = commands.add_parser(
        "listen",
        help=LISTEN,
        description="Write outputs/listening/TEST/test.html, a page that plays pairs of samples "
        "without saying whose they are, and key.json beside it, which says so.",
    )
    listen.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a folder of samples, a folder of a run, or the id of an MLflow run; key=value are "
        "overrides, as tracking=server",
    )
    listen.add_argument("--real", action="store_true", help="add pieces of the test split")
    listen.add_argument("--pairs", type=int, default=24, metavar="N", help="at most (24)")
    listen.add_argument(
        "--seconds", type=float, default=30, metavar="N", help="of a piece, after its prompt (30)"
    )
    listen.add_argument("--seed", type=int, default=0, metavar="N", help="of the order (0)")
    _allow_any_order(listen)
    votes = commands.add_parser("votes", help=VOTES, description=VOTES)
    votes.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="that listeners downloaded"
    )
    votes.add_argument(
        "--key", type=Path, metavar="FILE", help="of the test (outputs/listening/TEST/key.json)"
    )
    votes.add_argument("--csv", type=Path, metavar="FILE", help="the table to write")
    _allow_any_order(votes)


def _allow_any_order(parser: argparse.ArgumentParser) -> None:
    """Let a command take words after its options too, as `listen RUN --real RUN`."""
    plain = parser.parse_known_args

    def parse(*arguments: Any, **named: Any) -> Any:
        # the intermixed way of argparse calls this method itself
        parser.parse_known_args = plain  # type: ignore[method-assign]
        return parser.parse_known_intermixed_args(*arguments, **named)

    parser.parse_known_args = parse  # type: ignore[method-assign]


def run(arguments: argparse.Namespace, here: Path) -> int:
    """Run the one that was typed in the folder `here`; returns the exit code."""
    if arguments.stage == "votes":
        from ostinato.stages import votes

        key, table = (path and here / path.expanduser() for path in (arguments.key, arguments.csv))
        votes.count([here / path.expanduser() for path in arguments.files], key, table)
        return 0
    from ostinato.stages import listen
    from ostinato.stages.compose import compose_values
    from ostinato.stages.workspace import Workspace

    workspace = Workspace.here()
    overrides = [word for word in arguments.runs if _is_override(word, here)]
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


def _is_override(word: str, here: Path) -> bool:
    return "=" in word and not (here / word).exists()
