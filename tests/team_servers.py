"""The servers of a team on this machine, started by the commands of docs/team-servers.md."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from mlflow_servers import answering, stop, wait_until

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / name for name in ("team.md", "team-servers.md")]
FILES = ROOT / "docs" / "team"
BLOCK = re.compile(r"^```bash\n# (.+?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"(?<=[: ])(5432|5000|8080|22)(?=[\s/:\"]|$)", re.MULTILINE)
PATH = os.pathsep.join(
    [
        str(Path(sys.executable).parent),
        *sorted(str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin")),
        os.environ["PATH"],
        "/usr/sbin",
    ]
)
SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host-key
AuthorizedKeysFile {folder}/key.pub
PidFile none
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
"""


@cache
def blocks() -> dict[str, str]:
    """Return the commands of the pages' blocks by the comment in their first line."""
    return dict(BLOCK.findall("".join(page.read_text(encoding="utf-8") for page in PAGES)))


def need_program(name: str, package: str) -> None:
    """Skip the test where a program of Debian is missing."""
    if shutil.which(name, path=PATH) is None:
        pytest.skip(f"{name} is not there: `apt install {package}`")


def need_package(module: str) -> None:
    """Skip the test where a package of the extra `team` is missing."""
    pytest.importorskip(module, reason=f"{module} is not there: `pip install -e '.[team]'`")


@dataclass(frozen=True)
class Place:
    """Where the servers of the pages are in a test: a folder for /srv/team, ports of loopback."""

    folder: Path
    ports: Mapping[str, int]

    @property
    def mlflow(self) -> str:
        return f"http://127.0.0.1:{self.ports['5000']}"

    def moved(self, text: str) -> str:
        """Return a text of the pages with the folder, the machine and the ports of the test."""
        for old, new in (
            ("/srv/team", str(self.folder)),
            ("team.example.org", "127.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
        ):
            text = text.replace(old, new)
        return PORT.sub(lambda found: str(self.ports[found[1]]), text)

    def copy(self, name: str, **values: str) -> None:
        """Write a file of docs/team into the folder, with passwords in their places."""
        text = self.moved((FILES / name).read_text(encoding="utf-8"))
        for old, new in values.items():
            assert old in text
            text = text.replace(f"PASSWORD OF {old}", new)
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o600)

    def script(self, title: str, as_user: str = "") -> list[str]:
        """Return the command that runs a block of the pages, as another user where one is named."""
        command = ["bash", "-e", "-c", self.moved(blocks()[title])]
        return ["runuser", "-u", as_user, "--", *command] if as_user else command


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def carry_out(
    place: Place, command: list[str], asked: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run commands to their end; what they ask for is answered from their standard input."""
    done = subprocess.run(
        command,
        cwd=place.folder,
        env=os.environ | {"PATH": PATH} | environment,
        input=asked,
        capture_output=True,
        text=True,
        start_new_session=True,  # no terminal to ask for a password
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@contextmanager
def kept_running(place: Place, command: list[str], port: int, **environment: str) -> Iterator[Path]:
    """Run a server until the context ends; yields its log once its port is open."""
    log = place.folder / f"{port}.log"
    with log.open("w") as opened:
        process = subprocess.Popen(
            command,
            cwd=place.folder,
            env=os.environ | {"PATH": PATH} | environment,
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=opened,
            start_new_session=True,
        )
    try:
        if port == place.ports["5000"]:
            answering(place.mlflow, process, log)
        wait_for(port, process, log)
        yield log
    finally:
        stop(process)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    wait_until(lambda: socket.create_connection(("127.0.0.1", port), timeout=5), process, log)


@contextmanager
def postgresql(place: Place, password: str) -> Iterator[None]:
    """PostgreSQL with an empty database for runs and one for users."""
    need_program("initdb", "postgresql")
    for module in ("psycopg2", "flask_wtf"):  # MLflow needs them, which is started on it
        need_package(module)
    user = "postgres" if os.geteuid() == 0 else ""  # it refuses to run as root
    line = f"127.0.0.1:{place.ports['5432']}:*:mlflow:{password}\n"
    for name, text in (("pg-password", password), ("pgpass", line)):
        (place.folder / name).write_text(text)
        (place.folder / name).chmod(0o600)
    if user:
        for path in (place.folder, *(place.folder / name for name in ("pg-password", "pgpass"))):
            shutil.chown(path, user)
    try:
        carry_out(place, place.script("PostgreSQL", user))
        yield
    finally:
        if (place.folder / "pg" / "postmaster.pid").exists():
            end = ["pg_ctl", "-D", str(place.folder / "pg"), "-m", "immediate", "stop"]
            carry_out(place, ["runuser", "-u", user, "--", *end] if user else end)


@contextmanager
def mlflow(place: Place, admin: str, users: Mapping[str, str]) -> Iterator[Path]:
    """MLflow on that PostgreSQL, with basic authentication; yields its log."""
    place.copy("auth.ini")
    first = {"MLFLOW_AUTH_ADMIN_PASSWORD": admin, "MLFLOW_DISABLE_TELEMETRY": "true"}
    as_admin = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": admin}
    with kept_running(place, place.script("MLflow"), place.ports["5000"], **first) as log:
        for name, password in users.items():
            command = place.script("a new user, as admin: asks for the user's password")
            command[-1] = command[-1].replace("bob", name)
            carry_out(place, command, f"{password}\n", **as_admin)
        yield log


@contextmanager
def ssh(place: Place) -> Iterator[Path]:
    """An SSH server with a key of its own; yields the key that it lets in."""
    need_program("sshd", "openssh-server")
    need_package("dvc_ssh")
    if os.geteuid() == 0:  # Debian's service makes it when it starts
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host-key", "key"):
        new = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place.folder / name)]
        carry_out(place, new)
    file = place.folder / "sshd_config"
    file.write_text(SSHD.format(port=place.ports["22"], folder=place.folder))
    program = shutil.which("sshd", path=PATH)
    with kept_running(place, [str(program), "-D", "-e", "-f", str(file)], place.ports["22"]):
        yield place.folder / "key"


@contextmanager
def webdav(place: Place, users: Mapping[str, str]) -> Iterator[None]:
    """A WebDAV server for the files of DVC."""
    need_package("wsgidav")
    need_package("dvc_webdav")
    place.copy("wsgidav.yaml", **users)
    (place.folder / "webdav").mkdir()
    with kept_running(place, place.script("WebDAV"), place.ports["8080"]):
        yield


def account() -> str:
    """Return the name under which SSH lets one in."""
    return getpass.getuser()
