"""listen: samples of several runs -> the page of a blind listening test, and its key."""

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.config import Config
from ostinato.errors import ConfigError, UserError
from ostinato.files import write_text
from ostinato.refusals import explain_refusal
from ostinato.stages.workspace import Workspace
from ostinato.tracking import Tracking, client_of
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    from ostinato.listening.building import ListeningTest
    from ostinato.listening.systems import System

LISTENING = "listening"  # the folder of tests, in outputs/
PAGE, KEY = "test.html", "key.json"
SAMPLES = "samples"  # the folder of a run in which they are
RUN_ID = re.compile(r"[0-9a-f]{32}")
TOLD = {
    "silent": "silent: {} without a note",
    "unreadable": "{} that cannot be read",
    "identical": "{} of which one is the beginning of the other",
    "without_partner": "{} that no other system continues from the same prompt",
}


@dataclass(frozen=True)
class Request:
    """A test to make: of these runs, and of real music if `real`.

    pairs: at most; seconds: of a piece, at most; seed: of the order.
    """

    runs: Sequence[str]
    real: bool
    pairs: int
    seconds: float
    seed: int


def listen(request: Request, config: Config, workspace: Workspace, here: Path) -> None:
    """Write the page and the key of a test into outputs/listening/TEST.

    A run is a folder, seen from `here`, or the id of an MLflow run of the project's store. Raises
    `UserError` where two systems with comparable samples are not to be found.
    """
    from ostinato.listening.building import build_test
    from ostinato.listening.pairs import pair_systems
    from ostinato.stages.real_music import real_system

    _check(request)
    with ExitStack() as downloads:
        folders = [_find(run, config, workspace, here, downloads) for run in request.runs]
        systems = [found.system() for found in folders]
        _check_different(folders, systems)
        if request.real:
            places = [found.folder for found in folders]
            systems.append(real_system(systems, places, config, workspace))
    pairing = pair_systems(systems, request.pairs, request.seed)
    test = build_test(systems, pairing, request.seed, request.seconds)
    folder = workspace.outputs / LISTENING / test.key.test
    write_text(folder / KEY, f"{test.key.model_dump_json(indent=2)}\n")
    write_text(folder / PAGE, test.page)
    for one, other in pairing.apart:
        console.warn(f"{one} and {other} share no prompt: they are never compared with each other")
    _report(test, request, folder)


@dataclass(frozen=True)
class _Found:
    """A folder of samples, and what it is called."""

    folder: Path
    source: str

    def system(self) -> "System":
        """Return its samples."""
        from ostinato.listening.systems import read_system

        return read_system(self.folder, self.source)


def _check(request: Request) -> None:
    if len(request.runs) + request.real < 2:
        raise ConfigError("one system alone is no test: give a second run, or --real.")
    if request.pairs < 1:
        raise ConfigError(f"--pairs {request.pairs} does not fit: give 1 or more.")
    if not 10 <= request.seconds <= 600:
        raise ConfigError(f"--seconds {request.seconds:g} does not fit: give 10 to 600.")


def _find(
    run: str, config: Config, workspace: Workspace, here: Path, downloads: ExitStack
) -> _Found:
    """Return where the samples of a run are: in a folder, in that of a run, or on MLflow."""
    path = here / Path(run).expanduser()
    if path.is_dir():
        inside = path / SAMPLES
        folder = inside if inside.is_dir() and not list(path.glob("*.mid")) else path
        return _Found(folder, console.where(folder))
    if path.exists():
        raise UserError(f"{run} is a file: give the folder of samples that it is in.")
    if not RUN_ID.fullmatch(run):
        raise UserError(
            f"{run} is neither a folder of samples nor the id of an MLflow run, which has 32 "
            "hexadecimal digits: `ostinato ui` shows the runs."
        )
    local = Path(downloads.enter_context(tempfile.TemporaryDirectory()))
    return _download(run, config, workspace, local)


def _download(run: str, config: Config, workspace: Workspace, local: Path) -> _Found:
    """Copy the music of an MLflow run, without its sound and pictures, into a local folder."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one for each file
    from mlflow.exceptions import MlflowException

    tracking: Tracking = config.build("tracking")
    if not tracking.enabled:
        raise UserError(f"{run} cannot be looked for with tracking=off: give a folder of samples.")
    client, _ = client_of(tracking, workspace.home)
    try:
        found = client.get_run(run).info
        for file in client.list_artifacts(run, SAMPLES):
            if file.path.endswith((".mid", ".json")):
                # some stores make a folder for what they copy, and some do not
                copy = Path(client.download_artifacts(run, file.path, str(local)))
                copy.replace(local / copy.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise UserError(explain_refusal(error)) from error
        raise UserError(
            f"there is no MLflow run {run} in {tracking.uri or 'the store of this project'}: "
            "`ostinato ui` shows the runs."
        ) from error
    return _Found(local, f"the MLflow run {found.run_name} ({run})")


def _check_different(folders: Sequence[_Found], systems: Sequence["System"]) -> None:
    """Refuse samples that were given twice: a system cannot be compared with itself."""
    seen: dict[str, str] = {}
    for found, system in zip(folders, systems, strict=True):
        music = repr([music.harmony.pitches for music in system.music])
        if music in seen:
            raise ConfigError(
                f"{found.source} holds the same music as {seen[music]}: give two systems."
            )
        seen[music] = found.source


def _report(test: "ListeningTest", request: Request, folder: Path) -> None:
    """Print what the test has, what it leaves out, and what to do with it."""
    key = test.key
    for reason, count in key.left_out.items():
        noun = "pair" if reason == "identical" else "piece"
        console.warn(f"left out: {TOLD[reason].format(quantity(count, noun))}")
    pairs = len(key.pairs)
    if pairs < request.pairs:
        console.say(f"there {agree(pairs, 'is', 'are')} no more than {quantity(pairs, 'pair')}")
    console.say(
        f"a test of {quantity(pairs, 'pair')} of {quantity(len(key.systems), 'system')}: "
        f"{console.where(folder / PAGE)} ({len(test.page) / 2**20:.1f} MiB)"
    )
    console.say(
        f"give listeners that page alone; {console.where(folder / KEY)} says which system is "
        "which, and `ostinato votes FILE…` counts the files that they send back"
    )
