"""A server that refuses or fails is told in a sentence that says what to do."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ostinato import cli
from ostinato.refusals import explain_refusal, is_store_error

Captured = pytest.CaptureFixture[str]
SENTENCES = [
    (
        401,
        "You are not authenticated. Please see https://mlflow.example.org",
        "the MLflow server {uri} does not take this name and password: set "
        "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD and run the same command again.",
    ),
    (
        403,
        "Permission denied",
        "the MLflow server {uri} does not permit this (Permission denied): ask whoever runs it, "
        "or record runs here with tracking=local.",
    ),
    (
        500,
        "a line of its log",
        "the MLflow server {uri} fails, with status 500: its log says why. Mend it and run the "
        "same command again, or record runs here with tracking=local.",
    ),
]


def certificate_in(folder: Path) -> ssl.SSLContext:
    """Write a certificate that vouches for itself; returns what a server needs of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "team.example.org")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def answering(status: int, text: str, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that gives each request the same answer; yields its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "text", "sentence"), SENTENCES)
def test_what_a_server_answers_is_one_sentence(
    status: int,
    text: str,
    sentence: str,
    project: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with answering(status, text) as uri:
        assert cli.main(["compare", f"tracking.uri={uri}"]) == 1
    assert capsys.readouterr().err == f"ostinato: {sentence.format(uri=uri)}\n"


@pytest.mark.parametrize(
    ("status", "text", "sentence"),
    [
        (401, "", "the MLflow server does not take this name and password: set "),
        (403, "", "the MLflow server does not permit this (status 403): ask whoever runs it"),
        (403, "Permission denied", "the MLflow server does not permit this (Permission denied): "),
        (413, "too large", "the MLflow store cannot be used: 413 Client Error: "),
    ],
)
def test_a_file_that_a_server_refuses_is_one_sentence(
    status: int, text: str, sentence: str, tmp_path: Path
) -> None:
    import requests
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    (tmp_path / "a").write_text("a file")
    with answering(status, text) as uri:
        place = get_artifact_repository(f"{uri}/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts")
        with pytest.raises(requests.HTTPError) as caught:
            place.log_artifact(str(tmp_path / "a"))
    assert is_store_error(caught.value)
    assert explain_refusal(caught.value).startswith(sentence)


def test_another_servers_answer_is_not_taken_for_one_of_mlflow() -> None:
    import requests

    with answering(403, "no") as uri:
        answer = requests.get(f"{uri}/corpus.zip", timeout=10)
    with pytest.raises(requests.HTTPError) as caught:
        answer.raise_for_status()
    assert not is_store_error(caught.value)


def test_a_certificate_that_is_not_trusted_is_one_sentence(
    project: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with answering(200, "{}", certificate_in(tmp_path)) as uri:
        assert cli.main(["compare", f"tracking.uri={uri}"]) == 1
    assert capsys.readouterr().err == (
        f"ostinato: the certificate of the MLflow server {uri} is not trusted here: set "
        "MLFLOW_TRACKING_SERVER_CERT_PATH to the file of the certificate and run the same command "
        "again.\n"
    )
