"""An experiment of a stranger runs no code, reads no secret, writes nowhere and fills no memory."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ostinato.config import compose
from ostinato.config import composition as composing_module
from ostinato.config.composition import params_overrides
from ostinato.config.launching import check_launch
from ostinato.errors import ConfigError
from ostinato.stages.run import main as run

ROOT = Path(__file__).parents[2]
OPENING = "# @package _global_\n"
SECRET = "hunter2"


def bomb(line: Callable[[int], str], depth: int = 12) -> str:
    """An experiment whose settings of training refer to each other, so many deep."""
    return OPENING + "training:\n" + "".join(f"  a{i}: {line(i)}\n" for i in range(depth, 0, -1))


def aliases(i: int) -> str:
    return f"&a{i} [{', '.join([f'*a{i + 1}'] * 9)}]" if i < 12 else "&a12 [x]"


EXPERIMENTS = {
    "callback": (
        "hydra:\n  callbacks:\n    mine:\n      _target_: pathlib.Path.touch\n"
        "      self: {_target_: pathlib.Path, _args_: [TOUCHED]}\n",
        r"hydra\.callbacks\.mine\.\S+ cannot be set: of Hydra, .* sets hydra/launcher, ",
    ),
    "logging": (
        "hydra: {job_logging: {handlers: {file: {filename: TOUCHED}}}}\n",
        r"hydra\.job_logging\.handlers\.file\.filename cannot be set",
    ),
    "logging by code": (
        "hydra: {hydra_logging: {handlers: {console: {'()': os.getcwd}}}}\n",
        r"hydra\.hydra_logging\.handlers\.console\.\(\) cannot be set",
    ),
    "folder": ("hydra: {run: {dir: TOUCHED}}\n", r"hydra\.run\.dir of an experiment .* leads out"),
    "folder above": (
        "hydra: {sweep: {dir: outputs/../../x}}\n",
        r"hydra\.sweep\.dir of an experiment .* leads out of outputs/",
    ),
    "folder of the environment": (
        "hydra: {run: {dir: 'outputs/${oc.env:SECRET}'}}\n",
        r"hydra\.run\.dir of an experiment .* leads out of outputs/",
    ),
    "subfolder": (
        "hydra: {sweep: {subdir: ../../x}}\n",
        r"hydra\.sweep\.subdir of an experiment .* leads out of outputs/",
    ),
    "output folder": ("hydra: {output_subdir: ../../x}\n", r"hydra\.output_subdir cannot be set"),
    "environment": ("hydra: {job: {env_set: {PATH: x}}}\n", r"hydra\.job\.env_set\S* cannot be"),
    "job name": ("hydra: {job: {name: ../../x}}\n", r"hydra\.job\.name cannot be set"),
    "working folder": ("hydra: {job: {chdir: true}}\n", r"hydra\.job\.chdir cannot be set"),
    "launcher": (
        "hydra: {launcher: {_target_: subprocess.Popen}}\n",
        r"hydra\.launcher\._target_ cannot be set",
    ),
    "launcher's shell": (
        "hydra: {launcher: {setup: ['touch TOUCHED']}}\n",
        r"hydra\.launcher\.setup cannot be set|Key 'setup' not in",
    ),
    "sampler": (
        "defaults:\n  - override /hydra/sweeper: optuna\n"
        "hydra: {sweeper: {sampler: {_target_: os.getcwd}}}\n",
        r"hydra\.sweeper\.sampler\._target_ cannot be set",
    ),
    "search space": (
        "defaults:\n  - override /hydra/sweeper: optuna\n"
        "hydra: {sweeper: {custom_search_space: os.getcwd}}\n",
        r"hydra\.sweeper\.custom_search_space cannot be set",
    ),
    "standard library": (
        "plugins: [subprocess]\nmodel: {_target_: subprocess.Popen, args: [touch, TOUCHED]}\n",
        r'plugins=\["subprocess"\] does not fit: subprocess is no package of yours but a library',
    ),
    "library": (
        "plugins: [torch]\nmodel: {_target_: torch.nn.Linear, in_features: 1, out_features: 1}\n",
        r'plugins=\["torch"\] does not fit: torch is no package of yours but a library',
    ),
    "another kind": (
        "sampling:\n  _target_: ostinato.training.settings.Training\n",
        r"sampling\._target_=ostinato\.training\.settings\.Training does not fit: it must be a "
        "Sampling",
    ),
    "part of a model": (
        "model:\n  _target_: ostinato.models.recurrent.LSTM\n",
        r"model\._target_=\S+ does not fit: it must be a Network",
    ),
    "a class for a value": (
        "training: {optimizer: {_target_: ostinato.training.timer.Clock, minutes: 1}}\n",
        r"training\.optimizer takes no class: give a plain value",
    ),
    "secret": (
        "sampling: {prompt: '${oc.env:SECRET}'}\n",
        r"\$\{oc\.env:SECRET\} would be written into the composed config",
    ),
    "secret by a name that is put together": (
        "sampling: {prompt: '${oc.${split.word}:SECRET}'}\nsplit: {word: env}\n",
        r"\$\{oc\.env:SECRET\} would be written",
    ),
    "secret, decoded": (
        "sampling: {prompt: '${oc.decode:\"${oc.env:SECRET}\"}'}\n",
        r"\$\{oc\.env:SECRET\} would be written",
    ),
    "secret as an option": (
        "defaults:\n  - override /model: ${oc.env:SECRET}\n",
        r"\$\{oc\.env:SECRET\} would be written",
    ),
    "itself": ("sampling: {prompt: '${sampling.prompt}'}\n", r"sampling\.prompt refers to itself"),
    "what holds it": ("sampling: {prompt: '${sampling}'}\n", r"sampling\S* refers to itself"),
    "password": (
        f"tracking: {{uri: 'http://me:{SECRET}@example.org'}}\n",
        r"tracking\.uri holds a name or a password, .* MLFLOW_TRACKING_PASSWORD",
    ),
    "password in parts": (
        f"sampling: {{prompt: '{SECRET}'}}\n"
        "tracking: {uri: 'http://me:${sampling.prompt}@example.org'}\n",
        r"tracking\.uri holds a name or a password, .* MLFLOW_TRACKING_PASSWORD",
    ),
    "text that doubles": (
        bomb(lambda i: f"'${{training.a{i + 1}}}${{training.a{i + 1}}}'" if i < 40 else "x", 40),
        r"training\.a\d+ grows to more than 1,000,000 values or characters",
    ),
    "lists that triple": (
        bomb(lambda i: f"['${{..a{i + 1}}}', '${{..a{i + 1}}}', '${{..a{i + 1}}}']", 30),
        r"training\.a\d+ grows to more than 1,000,000 values or characters",
    ),
    "values that double": (
        bomb(lambda i: f"{{x: '${{oc.dict.values:training.a{i + 1}}}', y: '${{..a{i + 1}}}'}}", 40),
        r"training\.a\d+ grows to more than 1,000,000 values or characters",
    ),
    "a chain without end": (
        bomb(lambda i: f"'${{training.a{i + 1}}}'", 400),
        r"training\S* (?:grows to more than|is nested too deep)",
    ),
    "aliases": (bomb(aliases), r"\.yaml holds more than 50,000 values, aliases written out"),
    "an alias of itself": ("training: &a [*a]\n", r"the alias \*a stands within itself"),
    "nesting": (f"training: {'[' * 100_000}\n", r"nests values more than 40 deep"),
    "length": (f"# {'x' * 300_000}\n", r"is too large: it has [\d,]+ bytes, and up to 262,144"),
    "itself among its defaults": ("defaults: [/experiment/hostile]\n", r"cannot be composed|twice"),
}


WRONG_VALUES = (
    "standard library",
    "library",
    "another kind",
    "part of a model",
    "a class for a value",
)  # which a run refuses before it builds anything, and a sweep in each of its runs


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of conf/ in a project, in which the environment holds a secret."""
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(ROOT / "conf", tmp_path / "conf"))


def write_experiment(conf: Path, text: str) -> None:
    touched = conf.parent / "touched"
    text = OPENING + text.removeprefix(OPENING).replace("TOUCHED", str(touched))
    (conf / "experiment" / "hostile.yaml").write_text(text)


def names(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "conf" not in path.parts}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_hostile_experiment_is_refused_in_a_sentence(name: str, conf: Path) -> None:
    text, sentence = EXPERIMENTS[name]
    write_experiment(conf, text)
    before = names(conf.parent)
    sweep = ["-m", "experiment=bach_lstm,hostile", "seed=1,2"]
    for launch in (
        lambda: compose(["experiment=hostile"], conf),
        lambda: run(["experiment=hostile"] if name in WRONG_VALUES else sweep, conf.parent),
    ):
        with pytest.raises(ConfigError, match=sentence) as caught:
            launch()
        assert SECRET not in str(caught.value)
        assert len(str(caught.value)) < 1000
    assert names(conf.parent) == before


@pytest.mark.timeout(60)
def test_options_that_include_each_other_without_end_are_stopped(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composing_module, "SECONDS", 2)
    for i in range(8):
        includes = "".join(f"  - /experiment/_{i + 1}@p{j}\n" for j in range(10))
        (conf / "experiment" / f"_{i}.yaml").write_text(f"defaults:\n{includes}")
    (conf / "experiment" / "_8.yaml").write_text("x: 1\n")
    write_experiment(conf, "defaults: [/experiment/_0]\n")
    with pytest.raises(ConfigError, match="composing the config took longer than"):
        compose(["experiment=hostile"], conf)


@pytest.mark.parametrize(
    "override",
    [
        "hydra.callbacks.mine={_target_:os.getcwd}",
        "+hydra.callbacks.mine._target_=os.getcwd",
        "hydra.searchpath=[file:///tmp]",
        "hydra.job.chdir=true",
        "hydra.job_logging.root.level=DEBUG",
        "hydra.launcher._target_=subprocess.Popen",
        "hydra.sweeper._target_=subprocess.Popen",
        "hydra/job_logging=stdout",
        "~hydra.sweeper.params",
    ],
)
def test_other_settings_of_hydra_are_refused_wherever_they_stand(override: str, conf: Path) -> None:
    (conf.parent / "params.yaml").write_text(f"overrides: ['{override}']\n")
    given = params_overrides(conf.parent / "params.yaml")
    for launch in (
        lambda: compose([override], conf),
        lambda: check_launch([], given, [], conf),
        lambda: check_launch([], [], [override], conf),
        lambda: run([override], conf.parent),
    ):
        with pytest.raises(ConfigError, match="hydra"):
            launch()


@pytest.mark.parametrize(
    "flag",
    ["--config-dir=x", "-cd", "--config-path", "--config-name=x", "--experimental-rerun", "--exp"],
)
def test_flags_that_bring_other_configs_are_refused(flag: str, conf: Path) -> None:
    with pytest.raises(ConfigError, match="is no flag of `ostinato run`"):
        check_launch([flag, "x"], [], [], conf)


@pytest.mark.parametrize(
    "words",
    [
        ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
        ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "hydra.sweeper.study_name=mine"],
        ["hydra/sweeper=optuna", "hydra/sweeper/sampler=random", "hydra.sweeper.sampler.seed=1"],
        ["hydra.run.dir=/tmp/mine", "hydra.sweep.dir=/tmp/mine", "hydra.verbose=true"],
        ["hydra.sweep.subdir=${hydra.job.override_dirname}"],
        ["hydra.mode=MULTIRUN", "seed=1,2"],
        ["model=rnn,gru,lstm", "seed=range(1,1000000)", "training.learning_rate=interval(0.1,1)"],
        ["model=glob(*n,exclude=*gan*)", "model.size=tiny,small"],
    ],
)
def test_what_the_documents_name_can_be_set(words: list[str], conf: Path) -> None:
    check_launch(["-m"], [], words, conf)


def test_an_experiment_may_be_a_search(conf: Path) -> None:
    write_experiment(
        conf,
        "defaults:\n  - override /hydra/sweeper: optuna\n  - override /hydra/launcher: joblib\n"
        "hydra:\n  mode: MULTIRUN\n  run: {dir: 'outputs/mine/${now:%H}'}\n"
        "  launcher: {n_jobs: 2}\n"
        "  sweeper: {n_trials: 4, direction: minimize, params: {training.learning_rate: "
        "'interval(0.001, 0.01)', model: 'choice(lstm, gru)'}}\n",
    )
    check_launch([], [], ["experiment=hostile"], conf)


def test_what_a_search_of_an_experiment_brings_in_is_looked_at_too(conf: Path) -> None:
    (conf / "training" / "evil.yaml").write_text(
        "# @package _global_\nhydra: {callbacks: {mine: {_target_: os.getcwd}}}\n"
    )
    write_experiment(
        conf,
        "hydra: {mode: MULTIRUN, sweeper: {params: {training: 'cpu,evil'}}}\n",
    )
    with pytest.raises(ConfigError, match=r"hydra\.callbacks\.mine\._target_ cannot be set"):
        check_launch([], [], ["experiment=hostile"], conf)


def test_a_reference_to_a_value_is_still_one(conf: Path) -> None:
    write_experiment(
        conf,
        "sampling: {pieces: '${training.batch_size}', max_bars: '${training.${split.word}}'}\n"
        "split: {word: window}\n",
    )
    with pytest.raises(ConfigError, match=r"split\.word is unknown"):
        compose(["experiment=hostile"], conf)
    write_experiment(conf, "sampling: {pieces: '${training.batch_size}'}\n")
    assert compose(["experiment=hostile"], conf)["sampling.pieces"] == 16
