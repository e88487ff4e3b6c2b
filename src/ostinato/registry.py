"""Models in MLflow's registry: the folder of the bundle that an address stands for."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from ostinato import scratch
from ostinato.config.registered import ModelAddress, parse_address
from ostinato.errors import ConfigError, UserError
from ostinato.files import fingerprint
from ostinato.locks import locked
from ostinato.refusals import explain_refusal
from ostinato.tracking import Tracking, client_of, store_uri
from ostinato.weights import WEIGHTS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

SERVED = Path("data") / "served"  # in a version: what `ostinato register` keeps of a run
MODEL = "model"  # in it: the bundle
UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def fetch_bundle(address: str, tracking: Tracking, home: Path, cache: Path) -> Path:
    """Return the folder of the bundle of a registered model.

    In a store of files it is used where it lies. From anywhere else it is downloaded into `cache`,
    once for each version. Raises `ConfigError` for an address that nothing is registered under, and
    `UserError` where the store cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    try:
        parsed = parse_address(address)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    client, _ = client_of(tracking, home)
    try:
        version = _find_version(client, parsed)
        if version is None:
            raise ConfigError(_explain_unknown(client, parsed, address))
        source = client.get_model_version_download_uri(version.name, version.version)
        folder = _bring(source, version, store_uri(tracking, home), cache)
    except MlflowException as error:
        raise UserError(explain_refusal(error)) from error
    for place in (folder / SERVED / MODEL, folder, folder / MODEL):
        if (place / WEIGHTS).is_file():
            return place
    raise ConfigError(
        f"{address} holds no model of ostinato: give one that `ostinato register` has registered."
    )


def _find_version(client: "MlflowClient", address: ModelAddress) -> "ModelVersion | None":
    """Return the version that an address names; None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        if address.alias is not None:
            return client.get_model_version_by_alias(address.name, address.alias)
        return client.get_model_version(address.name, str(address.version))
    except MlflowException as error:
        if error.error_code not in UNKNOWN:
            raise
        return None


def _explain_unknown(client: "MlflowClient", address: ModelAddress, given: str) -> str:
    """Return the sentence for an address that nothing is registered under: what there is."""
    quoted = address.name.replace("'", "''")
    versions = client.search_model_versions(f"name = '{quoted}'")
    if not versions:
        names = sorted(model.name for model in client.search_registered_models())
        known = f"there are {', '.join(names)}" if names else "none is"
        return (
            f"{given} does not fit: no model is registered as {address.name} ({known}): "
            f"`ostinato register RUN --name {address.name}` registers one."
        )
    numbers = sorted(int(version.version) for version in versions)
    aliases = sorted(client.get_registered_model(address.name).aliases)
    return (
        f"{given} does not fit: the versions of {address.name} are {', '.join(map(str, numbers))}, "
        f"its aliases {', '.join(aliases) or 'none'}."
    )


def _bring(source: str, version: "ModelVersion", uri: str, cache: Path) -> Path:
    """Return a folder of this machine with the files of a version."""
    import mlflow

    parts: Any = urlparse(source)
    if parts.scheme in ("file", ""):
        return Path(unquote(parts.path))
    folder = cache / "models" / fingerprint([uri, source, version.name, version.version])
    with locked(folder):
        if not folder.exists():
            with scratch.temporary(folder) as beside:
                brought = mlflow.artifacts.download_artifacts(  # a folder within dst_path
                    artifact_uri=source, dst_path=str(beside), tracking_uri=uri
                )
                scratch.put(Path(brought), folder)
    return folder
