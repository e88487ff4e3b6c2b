"""Eight `ostinato run` and two `dvc repro`, all started at once in one checkout."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import yaml
from checking import Faults, curves_of, read_state
from starting import Start, Started, begin, forking
from workshop import TINY

from projects import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
SETTINGS = ((), ("seed=1",), ("seed=2",), ("model=gru",))
STARTS = (0, 0, 0, 1, 1, 2, 3, 3)  # which settings the eight have


def start_run(project: Path, log: Path, *words: str) -> Started:
    return begin(forking(), Start(("run", *TINY, *words), project, log))


def start_repro(project: Path) -> "subprocess.Popen[str]":
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["dvc", "repro"],
        cwd=project,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outs_in_lock(project: Path) -> dict[str, str]:
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for s in lock["stages"].values() for out in s["outs"]}


def test_eight_runs_and_two_repros_at_once_lose_nothing(
    dvc_project: Path, tmp_path: Path, random: Random, report: Callable[..., None]
) -> None:
    faults, log = Faults(), tmp_path / "log"
    quiet = Path(shutil.copytree(dvc_project, tmp_path / "quiet" / "project", symlinks=True))
    run(quiet, "dvc", "repro")
    for words in SETTINGS:
        assert start_run(quiet, log, *words).wait() == 0, log.read_text()
    log.write_text("")
    repros = [start_repro(dvc_project), start_repro(dvc_project)]
    order = random.sample(STARTS, len(STARTS))
    runs = [start_run(dvc_project, log, *SETTINGS[i]) for i in order]
    said = [repro.communicate(timeout=600)[0] for repro in repros]
    for one in runs:
        if (code := one.wait()) != 0:
            faults.stuck.append(f"{one.start.words[-1]}: exit {code}: {log.read_text()[-300:]}")
    codes = [repro.returncode for repro in repros]
    if 0 not in codes:
        faults.stuck.append(f"both repros failed: {said}")
    for code, words in zip(codes, said, strict=True):
        if code and "lock" not in words:
            faults.stuck.append(f"dvc repro: exit {code}: {words[-300:]}")
    if outs_in_lock(dvc_project) != outs_in_lock(quiet):
        faults.different.append("the outs of dvc repro")
    check_runs(dvc_project, quiet, faults)
    report("starts at once", "eight runs and two dvc repro", 10, faults)


def check_runs(project: Path, quiet: Path, faults: Faults) -> None:
    """Note runs that are unlike those in the quiet checkout, and what MLflow lacks or mixes up."""
    made, alone = read_state(project), read_state(quiet)
    wanted = {frozenset(run.items()) for run in alone.runs.values()}
    counts = Counter(frozenset(run.items()) for run in made.runs.values())
    if sorted(counts.values()) != sorted(Counter(STARTS).values()) or set(counts) != wanted:
        faults.different.append(f"the runs: {sorted(counts.values())}, not {Counter(STARTS)}")
    curves = {curves_of(run) for run in alone.tracked.values()}
    for run_id, tracked in made.tracked.items():
        if tracked.status != "FINISHED":
            faults.running.append(f"{run_id} is {tracked.status}")
        if curves_of(tracked) not in curves:
            faults.different.append(f"{run_id} has the curves {curves_of(tracked)}")
    if len(made.tracked) != len(STARTS) + 1:
        faults.running.append(f"{len(made.tracked)} MLflow runs, not {len(STARTS) + 1}")
    faults.remains += [path for path in made.paths if path not in alone.paths]
