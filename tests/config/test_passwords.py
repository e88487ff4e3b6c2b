"""A password stands in no config: it would reach git, MLflow and the console."""

from pathlib import Path

import pytest

from ostinato.config import Config, compose, conf_folder
from ostinato.config.composition import params_overrides
from ostinato.config.secrets import holds_password
from ostinato.errors import ConfigError
from ostinato.stages.run import main as run

SECRET = "hunter2"
MLFLOW = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
DATABASE = "PGPASSWORD or ~/.pgpass"

OVERRIDES = [
    (f"tracking.uri=http://me:{SECRET}@example.org:5000", MLFLOW),
    (f"tracking.uri='https://me:{SECRET}@example.org'", MLFLOW),
    (f'tracking.uri="https://me:{SECRET}@example.org"', MLFLOW),
    (f"tracking.uri=https://{SECRET}@example.org", MLFLOW),
    (f"tracking.uri=http://me:{SECRET}/x@example.org", MLFLOW),
    (f"tracking.uri=me:{SECRET}@example.org", MLFLOW),
    (f"tracking.uri=http://example.org/?password={SECRET}", MLFLOW),
    (f"tracking.uri=http://example.org/?a=1&api_key={SECRET}", MLFLOW),
    (f"tracking.uri=postgresql://me:{SECRET}@example.org/mlflow", DATABASE),
    (f"tracking.uri=postgresql+psycopg2://example.org/mlflow?password={SECRET}", DATABASE),
    (f"tracking.uri=mysql://:{SECRET}@example.org/mlflow", DATABASE),
    (f"tracking.uri=sqlite:///file:x.db?passwd={SECRET}", DATABASE),
    (f"corpus.mirror=https://me:{SECRET}@example.org/files", r"put it into ~/\.netrc"),
    (f"corpus.mirror=ftp://me:{SECRET}@example.org", r"put it into ~/\.netrc"),
    (f"corpus.mirror=https://example.org?X-Amz-Signature={SECRET}", r"put it into ~/\.netrc"),
    (f"+corpus.source.address=https://me:{SECRET}@example.org", r"put it into ~/\.netrc"),
    (f"hydra.sweeper.storage=postgresql://me:{SECRET}@example.org/optuna", DATABASE),
]


def written(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(("override", "place"), OVERRIDES)
def test_a_password_is_refused_and_not_shown(
    override: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["-m", override, "seed=1,2"], ["--cfg", "job", override], [override]):
        with pytest.raises(ConfigError, match=place) as caught:
            run(arguments, tmp_path)
        assert SECRET not in str(caught.value)
    with pytest.raises(ConfigError, match="holds a name or a password, which would be written"):
        compose([override])
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "http://example.org:5000",
        "http://example.org:5000/a@b",
        "postgresql://me@example.org/mlflow",
        "ssh://git@example.org/x",
        "sqlite:////home/me/mlflow.db",
        "https://example.org/files?version=2&name=a@b",
        "See https://example.org/a: mail me@example.org",
        "data/my@folder:2",
    ],
)
def test_an_address_without_a_password_is_taken(text: str) -> None:
    assert not holds_password(text, "tracking.uri")


def test_no_shipped_config_looks_like_a_password() -> None:
    for path in conf_folder().rglob("*.yaml"):
        assert not holds_password(path.read_text(encoding="utf-8")), path


def test_a_password_in_params_is_refused(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(f"overrides: ['tracking.uri=http://me:{SECRET}@example.org']\n")
    with pytest.raises(ConfigError, match=MLFLOW):
        compose(params_overrides(params))


def test_a_broken_line_with_a_password_is_not_shown(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(f"seed: 1\noverrides: [tracking.uri=http://me:{SECRET}@example.org\n")
    with pytest.raises(ConfigError, match=r"params\.yaml is not YAML: .* in line") as caught:
        params_overrides(params)
    assert SECRET not in str(caught.value)


def test_a_composed_config_that_was_given_a_password_is_refused(tmp_path: Path) -> None:
    config = compose([])
    config.tree["tracking"]["uri"] = f"http://me:{SECRET}@example.org"
    config.save(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match=MLFLOW) as caught:
        Config.load(tmp_path / "config.yaml")
    assert SECRET not in str(caught.value)
