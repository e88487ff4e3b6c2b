"""Commands that are started at once: each result is its own, and nothing is lost."""

import time
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from checking import Faults, State, Tracked, compare, curves_of, hashes, read_state
from kinds import FOLDER, KINDS, OTHER, SAMPLED
from starting import Started
from workshop import Kind, Words, Workshop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
SETTINGS: tuple[Words, ...] = ((), ("seed=1",), ("seed=2",), ("model=gru",))
STARTS = (0, 0, 0, 1, 1, 2, 3, 3)  # which settings the eight have


def end(started: list[Started], faults: Faults, codes: tuple[int, ...] = (0,)) -> None:
    for one in started:
        code = one.wait()
        if code not in codes:
            one.kill()
            said = [line for line in one.start.log.read_text().splitlines() if line.strip()]
            faults.stuck.append(f"{' '.join(one.start.words[:2])}: exit {code}: {said[-1:]}")


def whole_run(state: State, name: str) -> dict[str, str]:
    """What a run made, without the composed config, which is where its settings stand."""
    return {path: digest for path, digest in state.runs[name].items() if path != "config.yaml"}


def artifacts(workshop: Workshop, run_id: str) -> dict[str, str]:
    folder = workshop.project / "outputs" / "mlflow" / "artifacts" / run_id / "artifacts"
    return {
        path: digest
        for name in ("model", "samples", "evaluation")
        for path, digest in hashes(folder / name, name)
    }


def settings_of(tracked: Tracked) -> Words:
    found = (
        f"seed={tracked.parameters['seed']}",
        f"model={tracked.parameters['choices.model']}",
    )
    return tuple(word for word in found if word not in ("seed=42", "model=lstm"))


def test_eight_runs_at_once_give_what_each_gives_alone(
    workshop: Workshop, report: Callable[..., None]
) -> None:
    alone, curves, faults = {}, {}, Faults()
    for words in SETTINGS:
        state = workshop.undisturbed(Kind(f"run {' '.join(words)}", ("run", *words))).made
        [name] = state.runs
        [run] = state.tracked.values()
        alone[words], curves[words] = whole_run(state, name), curves_of(run)
    workshop.prepare(Kind("nothing", ("run",)))
    starts = [workshop.start(("run", *SETTINGS[i])) for i in STARTS]
    end(starts, faults)
    state = read_state(workshop.project)
    made = Counter(frozenset(whole_run(state, name).items()) for name in state.runs)
    for words, run in alone.items():
        count, wanted = made.pop(frozenset(run.items()), 0), STARTS.count(SETTINGS.index(words))
        if count != wanted:
            faults.different.append(f"{count} of {wanted} runs of {words} are as alone")
    faults.different += [f"{n} runs are like none alone" for n in made.values()]
    tracked = Counter(settings_of(run) for run in state.tracked.values())
    if tracked != Counter(SETTINGS[i] for i in STARTS):
        faults.running.append(f"MLflow has {dict(tracked)}")
    for run_id, run in state.tracked.items():
        words = settings_of(run)
        if run.status != "FINISHED":
            faults.running.append(f"{words} is {run.status}")
        kept = {
            p: d for p, d in alone[words].items() if p.startswith(("model/", "samples/", "eval"))
        }
        if artifacts(workshop, run_id) != kept:
            faults.different.append(f"the artifacts of {words} are not its own")
        if curves_of(run) != curves[words] or any(
            len(steps) != len(set(steps))
            for name, steps in run.steps.items()
            if name.startswith(("train_", "validation_"))
        ):
            faults.different.append(f"the curves of {words} are not its own: {curves_of(run)}")
    one = workshop.undisturbed(Kind("run ", ("run",))).made
    faults.remains += [p for p in state.paths if p not in one.paths]
    report("starts at once", "eight runs, fresh store", len(starts), faults)


ONE_RESULT: dict[str, tuple[Kind, int]] = {
    "two fetches": (Kind("fetch a folder", FOLDER), 2),
    "two fetches anew": (KINDS["fetch a folder anew"], 2),
    "two of preprocess": (KINDS["preprocess"], 2),
    "two of preprocess anew": (KINDS["preprocess anew"], 2),
    "two of split": (KINDS["split"], 2),
    "three trainings alike": (KINDS["train"], 3),
    "two of generate": (KINDS["generate"], 2),
    "two of evaluate": (KINDS["evaluate"], 2),
}


@pytest.mark.parametrize("name", ONE_RESULT)
@pytest.mark.parametrize("killed", [False, True], ids=["", "the first is killed"])
def test_the_same_command_started_twice_gives_one_result(
    name: str, killed: bool, workshop: Workshop, random: Random, report: Callable[..., None]
) -> None:
    (kind, count), faults, times = ONE_RESULT[name], Faults(), 6
    undisturbed = workshop.undisturbed(kind)
    for _ in range(times):
        workshop.prepare(kind)
        before = read_state(workshop.project)
        workshop.log.write_text("")
        started = []
        for _ in range(count):
            started.append(workshop.start(kind.words))
            time.sleep(random.uniform(0, 0.1))
        if killed:
            first = started.pop(0)
            time.sleep(random.uniform(0, undisturbed.points[-1].seconds))
            first.kill()
        end(started, faults)
        if killed:  # what it left belongs to the next start: the others may have looked before
            workshop.finish(kind, name, faults)
            continue
        after = read_state(workshop.project)
        jobs = count * kind.jobs
        if kind.jobs and len(after.tracked) != len(before.tracked) + jobs:
            faults.running.append(f"{len(after.tracked) - len(before.tracked)} runs, not {jobs}")
        found = compare(after, before, undisturbed.made, undisturbed.found, jobs)
        faults.add(found, name)
    label = f"{name}, first killed" if killed else name
    report("starts at once", label, times * count, faults)


def test_evaluate_beside_generate_measures_the_old_samples_or_the_new(
    workshop: Workshop, random: Random, report: Callable[..., None]
) -> None:
    faults, times = Faults(), 6
    old = workshop.undisturbed(Kind("old", ("evaluate",), SAMPLED)).made.outs
    anew = (*SAMPLED, ("generate", OTHER))
    new = workshop.undisturbed(Kind("new", ("evaluate",), anew)).made.outs
    for _ in range(times):
        workshop.prepare(Kind("old", ("evaluate",), SAMPLED))
        workshop.log.write_text("")
        both = [workshop.start(("generate", OTHER))]
        time.sleep(random.uniform(0, 0.5))
        both.append(workshop.start(("evaluate",)))
        end(both, faults)
        made = read_state(workshop.project).outs
        for folder, wanted in (("samples", (new,)), ("evaluation", (old, new))):
            ours, *others = (
                {p: d for p, d in outs.items() if p.startswith(f"outputs/{folder}/")}
                for outs in (made, *wanted)
            )
            if ours not in others:
                faults.different.append(f"{folder} is neither the old one nor the new")
    report("starts at once", "generate and evaluate", 2 * times, faults)


def test_preprocessing_with_other_settings_at_once_ends_as_one_of_them(
    workshop: Workshop, random: Random, report: Callable[..., None]
) -> None:
    faults, times = Faults(), 6
    other = ("preprocess", "corpus.resolution=12")
    results = [
        workshop.undisturbed(Kind(" ".join(words), words)).made.outs
        for words in (("preprocess",), other)
    ]
    for _ in range(times):
        workshop.prepare(Kind("preprocess", ("preprocess",)))
        workshop.log.write_text("")
        both = [workshop.start(("preprocess",))]
        time.sleep(random.uniform(0, 0.1))
        both.append(workshop.start(other))
        end(both, faults)
        if read_state(workshop.project).outs not in results:
            faults.different.append("the pieces are of neither")
    report("starts at once", "preprocess with two settings", 2 * times, faults)
