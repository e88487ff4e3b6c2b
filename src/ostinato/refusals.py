"""Sentences for what an MLflow store refuses, which say what to do."""

import re

# how MLflow's client says that a server does not know a user, or refuses what was asked
REFUSAL = re.compile(
    r"failed with error code (401|403) != 200\. Response body:"
    r"|^(401|403) Client Error: .*? for url: \S+(?: Response text:)?"
)


def is_store_error(error: BaseException) -> bool:
    """Return whether an error comes from MLflow: its own, or of a file that a server refuses."""
    address = getattr(getattr(error, "response", None), "url", "")
    return type(error).__module__.startswith("mlflow.") or "/mlflow-artifacts/" in f"{address}"


def explain_refusal(error: BaseException, uri: str = "") -> str:
    """Return a sentence for an error of MLflow's; uri: the address of its store, if known."""
    reason = " ".join(str(error).split())
    if match := REFUSAL.search(reason):
        server = f"the MLflow server {uri}".rstrip()
        if "401" in match.groups():
            return (
                f"{server} does not take this name and password: set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD and run the same command again."
            )
        words = reason[match.end() :].strip(" '") or "status 403"
        return (
            f"{server} does not permit this ({words[:80]}): ask whoever runs it, or record runs "
            "here with tracking=local."
        )
    if match := re.match(r"API request to (https?://[^/]+)\S* failed with exception", reason):
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return (
                f"the certificate of the MLflow server {match[1]} is not trusted here: set "
                "MLFLOW_TRACKING_SERVER_CERT_PATH to the file of the certificate and run the same "
                "command again."
            )
        if failure := re.search(r"too many (\d{3}) error responses", reason):
            return (
                f"the MLflow server {match[1]} fails, with status {failure[1]}: its log says why. "
                "Mend it and run the same command again, or record runs here with tracking=local."
            )
        return (
            f"the MLflow server {match[1]} does not answer: start it and run the same command "
            "again, or record runs here with tracking=local."
        )
    return f"the MLflow store {f'{uri} ' if uri else ''}cannot be used: {reason[:200]}"
