"""The files of ostinato that a stage runs, found by following its imports.

`dvc.yaml` must list them, so that an edit reruns the stages that it concerns. Checkpoints and
caches are named by what they hold.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

from ostinato.files import fingerprint

PACKAGE = Path(__file__).parent
# what a stage calls of a method is told by these names: the others are called by other stages
SAMPLING = frozenset({"sample", "conditions", "not_new"})
EVALUATION = frozenset({"evaluate", "score"})
NOT_CALLED = {
    "compose": SAMPLING | EVALUATION,
    "train": SAMPLING | EVALUATION,
    "generate": EVALUATION,
    "evaluate": SAMPLING,
}


def stage_files(stage: str, classes: Iterable[str] = ()) -> tuple[Path, ...]:
    """Return the files that a stage runs, with those of `classes`, dotted names in its config."""
    modules = sorted({name.rpartition(".")[0] for name in classes})
    not_called = NOT_CALLED.get(stage, frozenset())
    return files_of(f"ostinato.stages.{stage}", *modules, skip=not_called)


@lru_cache
def files_of(*modules: str, skip: frozenset[str] = frozenset()) -> tuple[Path, ...]:
    """Return the files of these modules and of all that they import, also within functions.

    Imports for type checking alone do not count, nor those within functions of `methods/` that are
    named in `skip`.
    """
    seen: set[Path] = set()
    todo = [file for module in modules for file in _located(module)]
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            of_methods = file.is_relative_to(PACKAGE / "methods")
            todo += _imported(file, skip if of_methods else frozenset())
    return tuple(sorted(seen))


@lru_cache
def source_fingerprint(*modules: str, skip: frozenset[str] = frozenset()) -> str:
    """Return a name for what these modules and all that they import say."""
    return fingerprint(*files_of(*modules, skip=skip))


def _located(module: str) -> Iterator[Path]:
    """The files that importing a module runs: its own, and those of the packages it is in.

    Of a plug-in that is every file of its package.
    """
    top = module.partition(".")[0]
    if top != PACKAGE.name:
        own = getattr(sys.modules.get(top), "__file__", None)
        yield from Path(own).parent.rglob("*.py") if own else ()
        return
    path = PACKAGE.parent
    for part in module.split("."):
        path /= part
        if (path / "__init__.py").is_file():
            yield path / "__init__.py"
        elif path.with_suffix(".py").is_file():
            yield path.with_suffix(".py")


@cache
def _imported(file: Path, skip: frozenset[str]) -> tuple[Path, ...]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return tuple(found for module in _names(tree, skip) for found in _located(module))


def _names(node: ast.AST, skip: frozenset[str]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):  # imports are statements
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.FunctionDef) and child.name in skip:
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.startswith("ostinato"))
        if isinstance(child, ast.ImportFrom) and (child.module or "").startswith("ostinato"):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from _names(child, skip)
