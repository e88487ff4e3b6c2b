"""The source files that each stage of dvc.yaml must list: `make deps` writes them."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from ostinato.sources import stage_files

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ostinato"
MANY = 1 / 3  # of the files of a folder: then the whole folder is listed
QUICK = "compose"  # a stage that runs again at no cost: it lists whole folders alone
GROUPS = {  # of conf/, whose classes a stage builds
    "compose": ("",),
    "preprocess": ("corpus", "preprocess"),
    "split": ("split",),
    "train": ("representation", "model", "method", "training", "experiment"),
    "generate": ("representation", "model", "method", "sampling", "experiment"),
    "evaluate": ("representation", "model", "method", "evaluation", "experiment"),
}


def needed(stage: str) -> set[Path]:
    """Return the files that a stage runs, by its imports and by the classes that conf/ names."""
    texts = (
        file.read_text(encoding="utf-8")
        for group in GROUPS[stage]
        for file in (ROOT / "conf" / group).rglob("*.yaml")
    )
    classes = {found for text in texts for found in re.findall(r"_target_: (ostinato[\w.]+)", text)}
    return set(stage_files(stage, classes))


def listed(stage: str, text: str) -> list[str]:
    """Return the dependencies of a stage in the text of a dvc.yaml."""
    deps: list[str] = yaml.safe_load(text)["stages"][stage]["deps"]
    return deps


def missing(stage: str, text: str) -> list[str]:
    """Return the files that a stage runs and that its dependencies do not cover."""
    covered = [ROOT / dep for dep in listed(stage, text)]
    return sorted(
        file.relative_to(ROOT).as_posix()
        for file in needed(stage)
        if not any(file == dep or dep in file.parents for dep in covered)
    )


def lines_of(stage: str) -> list[str]:
    """Return what a stage shall list: a folder where many of its files are needed, or files.

    `dvc repro` reads fewer lines sooner.
    """
    many = 0.0 if stage == QUICK else MANY
    covering = _covering(SOURCE, needed(stage), many)
    return sorted(path.relative_to(ROOT).as_posix() for path in covering)


def _covering(folder: Path, files: set[Path], many: float) -> Iterator[Path]:
    inside = [p for p in folder.rglob("*.py") if p.name != "__init__.py" or p in files]
    wanted = [p for p in inside if p in files]
    if folder != SOURCE and len(wanted) >= many * len(inside):
        yield folder
        return
    for child in sorted(folder.iterdir()):
        if child.is_dir() and any(child in p.parents for p in wanted):
            yield from _covering(child, files, many)
        elif child in files:
            yield child


def rewritten(text: str) -> str:
    """Return the text of a dvc.yaml in which each stage lists the source files that it runs."""
    for stage in GROUPS:
        block = re.search(rf"^  {stage}:\n(?:    .*\n|\n)+", text, re.MULTILINE)
        assert block is not None
        others = re.sub(r"^      - src/ostinato\S*( #.*)?\n", "", block[0], flags=re.MULTILINE)
        deps = re.search(r"^    deps:\n(?:      - .*\n)*", others, re.MULTILINE)
        assert deps is not None
        lines = "".join(f"      - {line}\n" for line in lines_of(stage))
        changed = others[: deps.end()] + lines + others[deps.end() :]
        text = text.replace(block[0], changed)
    return text


def main() -> None:
    file = ROOT / "dvc.yaml"
    file.write_text(rewritten(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
