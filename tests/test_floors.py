"""The program is a house of floors: each imports only from the floors below it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ostinato

SOURCE = Path(ostinato.__file__).parent
FLOORS = (
    {
        "errors",
        "wording",
        "files",
        "folders",
        "locks",
        "metric_logger",
        "scratch",
        "sources",
        "console",
        "interrupts",
        "parallel",
        "refusals",
        "untrusted",
        "weights",
    },
    {"config"},
    {"music"},
    {"corpora"},
    {"representations"},
    {"data"},
    {"models"},
    {"training"},
    {"sampling"},
    {"evaluation", "listening"},
    {"tracking"},
    {"registry", "run_notes", "sweeps", "ui"},
    {"methods", "comparison"},
    {"inspection", "serving"},
    {"stages"},
    {"usage", "arguments", "error_sentences"},
    {"studio"},
    {"cli"},
)
HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names}
MODULES = sorted(p for p in SOURCE.rglob("*.py") if p.name not in ("__init__.py", "__main__.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and floor of every import of ostinato in a file, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            names = (
                [f"ostinato.{alias.name}" for alias in node.names]
                if module == "ostinato"
                else [module]
            )
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "ostinato" and rest and not rest.startswith("__"):
                yield node.lineno, rest.partition(".")[0]


def test_every_module_stands_on_a_floor() -> None:
    assert {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in MODULES} == set(
        HEIGHT
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_imports_go_down(path: Path) -> None:
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for line, floor in imported(path):
        assert floor == own or HEIGHT[floor] < HEIGHT[own] or HEIGHT[own] == 0 == HEIGHT[floor], (
            f"{path.relative_to(SOURCE)}:{line}: {own} must not import from {floor}"
        )


def test_there_are_imports_to_look_at() -> None:
    floors = {floor for path in MODULES for _, floor in imported(path)}
    assert {"errors", "music", "representations", "models"} <= floors


def test_networks_know_nothing_of_music() -> None:
    """models/ takes tensors and gives tensors; the bundle alone joins a network to its music."""
    for path in (SOURCE / "models").rglob("*.py"):
        if path.name != "bundle.py":
            assert {floor for _, floor in imported(path)} <= {"models"}, path.name


HEAVY = (
    "torch",
    "muspy",
    "mlflow",
    "hydra",
    "music21",
    "matplotlib",
    "pandas",
    "pytorch_lightning",
)


@pytest.mark.parametrize("module", ["ostinato.cli", "ostinato.__main__", "ostinato.config"])
def test_the_command_line_starts_light(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_module_is_long() -> None:
    for path in MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path.name
