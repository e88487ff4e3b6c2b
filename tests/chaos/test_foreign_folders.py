"""Whatever folder a command is told to write to, nothing that it did not make is changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from checking import Faults, hashes
from kinds import SAMPLED
from workshop import Kind, Words, Workshop

# what a project and the folder that it stands in may hold, and what is ours but of another stage
FOREIGN = (
    "src",
    "src/package",
    ".",
    "..",
    "../project",
    "../beside",
    "notes",
    "notes/deep/below",
    "a file",
    "a link",
    "conf",
    "conf/model",
    ".git",
    "data",
    "data/bach",
    "music",
    "outputs",
    "outputs/model",
    "outputs/pieces",
    "outputs/evaluation",
    "outputs/mlflow",
    "outputs/cache",
    "outputs/checkpoints",
    "outputs/split.json",
    "taken over",
    "like samples",
    "like pieces",
)
COMMANDS: dict[str, Callable[[str], Words]] = {
    "generate samples_dir=": lambda f: ("generate", f"samples_dir={quoted(f)}"),
    "evaluate samples_dir=": lambda f: ("evaluate", f"samples_dir={quoted(f)}"),
    "generate model_dir=": lambda f: ("generate", f"model_dir={quoted(f)}", "samples_dir=new"),
    "evaluate model_dir=": lambda f: ("evaluate", f"model_dir={quoted(f)}"),
    "fetch corpus.path=": lambda f: (
        "fetch",
        "corpus=folder",
        "corpus.source.folder=music",
        f"corpus.path={quoted(f)}",
    ),
    "fetch corpus.source.folder=": lambda f: (
        "fetch",
        "corpus=folder",
        f"corpus.source.folder={quoted(f)}",
    ),
    "preprocess corpus.path=": lambda f: ("preprocess", f"corpus.path={quoted(f)}"),
    "run hydra.run.dir=": lambda f: ("run", f"hydra.run.dir={quoted(f)}"),
    "run -m hydra.sweep.dir=": lambda f: ("run", "-m", f"hydra.sweep.dir={quoted(f)}", "seed=1,2"),
    "run samples_dir=": lambda f: ("run", f"samples_dir={quoted(f)}"),
}
STAGES = ("preprocess", "train", "generate", "evaluate")
OUTS = {"preprocess": "pieces", "train": "model", "generate": "samples", "evaluate": "evaluation"}


pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def quoted(folder: str) -> str:
    return f'"{folder}"'


def furnish(workshop: Workshop) -> None:
    """Fill the project, and the folder beside it, with what is somebody's own."""
    workshop.prepare(Kind("with samples", ("evaluate",), (*SAMPLED, ("evaluate",))))
    project = workshop.project
    for name in ("src/package/code.py", "notes/diary.txt", "notes/deep/below/a.txt", "a file"):
        write(project / name)
    for name in (".git/HEAD", ".git/objects/ab/cd", "../beside/thesis.txt"):
        write(project / name)
    (project / "a link").symlink_to(project / "notes", target_is_directory=True)
    shutil.copytree(project / "outputs" / "samples", project / "taken over")
    write(project / "taken over" / "my own.txt")
    write(project / "like samples" / "sample-01.mid")
    write(project / "like samples" / "listen.html")
    write(project / "like pieces" / "pieces-00000.parquet")


def write(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"the only copy of {file.name}")


def belongings(workshop: Workshop) -> dict[str, str]:
    """Return all files that are there, with hashes: of the project, beside it, and of its outs."""
    places = {"project": workshop.project, "beside": workshop.project.parent / "beside"}
    found: dict[str, str] = {}
    for name, place in places.items():
        found |= hashes(place, name)
    growing = ("project/outputs/mlflow", "project/outputs/cache", "project/outputs/checkpoints")
    return {path: digest for path, digest in found.items() if not path.startswith(growing)}


def changed(before: dict[str, str], after: dict[str, str], own: str) -> list[str]:
    """Return what was there and is gone or another, but for a stage's own out."""
    return [
        f"{path} {'was changed' if path in after else 'WAS DELETED'}"
        for path, digest in before.items()
        if after.get(path) != digest and not path.startswith(f"project/outputs/{own}/")
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_lost_whatever_folder_is_given(
    name: str, workshop: Workshop, report: Callable[..., None]
) -> None:
    faults = Faults()
    furnish(workshop)
    before = belongings(workshop)
    for folder in FOREIGN:
        workshop.log.write_text("")
        words = COMMANDS[name](folder)
        started = workshop.start(words)
        code = started.wait()
        own = OUTS.get(words[0], "nothing")
        own = "nothing" if words[1].startswith("samples_dir") and own == "samples" else own
        lost = changed(before, belongings(workshop), own)
        said = workshop.log.read_text()
        faults.different += [f"{' '.join(words)}: {', '.join(lost[:3])}"] if lost else []
        if code not in (0, 1, 2) or "Traceback" in said:
            faults.stuck.append(f"{' '.join(words)}: exit {code}: {said.splitlines()[-1:]}")
        if lost or not (workshop.project / "data" / "bach").exists() or code == 0:
            furnish(workshop)
    report("foreign folders", name, len(FOREIGN), faults)


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_of_somebodys_own_in_an_out_stays(
    stage: str, workshop: Workshop, report: Callable[..., None]
) -> None:
    faults = Faults()
    furnish(workshop)
    own = workshop.project / "outputs" / OUTS[stage] / "my own.txt"
    write(own)
    workshop.log.write_text("")
    code = workshop.start((stage, "corpus.resolution=12")).wait()
    if not own.exists():
        faults.different.append(f"{own.name} was deleted, exit {code}")
    elif code != 1 or own.name not in workshop.log.read_text():
        faults.different.append(f"nothing says why, exit {code}: {workshop.log.read_text()[-300:]}")
    report("foreign folders", f"a file in {OUTS[stage]}/", 1, faults)
