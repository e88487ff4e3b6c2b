"""A team on real servers: DVC over SSH and WebDAV, MLflow on PostgreSQL behind passwords."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import team_servers
from ostinato.tracking import DATABASE
from projects import TINY_RUN, commit, make_repository, run, stages_run
from team_servers import Place, account, blocks, carry_out, free_ports

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
INSTALL = re.compile(r"^pip install .*$", re.MULTILINE)


@dataclass
class Team:
    """What the tests share: servers, passwords, and all that the team's commands printed."""

    home: Path
    place: Place
    passwords: dict[str, str]
    words: list[str] = field(default_factory=list)

    @property
    def origin(self) -> Path:
        return self.home / "origin.git"

    def clone(self, name: str) -> "Person":
        """Clone the team's repository for a person."""
        folder = self.home / name
        run(self.home, "git", "clone", "-q", str(self.origin), str(folder))
        return Person(self, name, folder)


@dataclass
class Person:
    """Somebody with a clone and a password of the MLflow server."""

    team: Team
    name: str
    clone: Path

    def does(self, *command: str, check: bool = True) -> str:
        """Run a command in the clone; returns what it printed."""
        author = {f"GIT_{who}_NAME": self.name for who in ("AUTHOR", "COMMITTER")}
        author |= {f"GIT_{who}_EMAIL": f"{self.name}@example.org" for who in ("AUTHOR", "COMMITTER")}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in author.items():
                patch.setenv(name, value)
            patch.setenv("MLFLOW_TRACKING_USERNAME", self.name)
            patch.setenv("MLFLOW_TRACKING_PASSWORD", self.team.passwords[self.name])
            patch.setenv("WEBDAV_PASSWORD", self.team.passwords[f"{self.name} on webdav"])
            done = run(self.clone, *command, check=check)
        self.team.words += [done.stdout, done.stderr]
        return done.stdout + done.stderr

    def follows(self, title: str, key: Path | None = None) -> str:
        """Run the commands of a block of the page, with this person's account and key."""
        script = INSTALL.sub("", self.team.place.moved(blocks()[title]))
        if key is not None:
            script = re.sub(r"user \w+", f"user {account()}", script)
            script = script.replace("~/.ssh/id_ed25519", str(key))
        return self.does("bash", "-e", "-c", script)


@pytest.fixture(scope="module")
def team(project_template: Path) -> Iterator[Team]:
    """An empty repository of a team, and a folder for its servers that no other user reads."""
    names = ["alice", "bob", "carol", "admin", "postgresql"]
    names += [f"{name} on webdav" for name in names[:3]]
    passwords = {name: f"not-to-be-seen-{secrets.token_hex(8)}" for name in names}
    ports = dict(zip(("5432", "5000", "22", "8080"), free_ports(4), strict=True))
    # not in pytest's folder, which the user of PostgreSQL may not enter
    home, servers = (Path(tempfile.mkdtemp(prefix="ostinato-team-")) for _ in range(2))
    run(home, "git", "init", "-q", "--bare", "-b", "main", "origin.git")
    try:
        yield Team(home, Place(servers, ports), passwords)
    finally:
        for folder in (home, servers):
            shutil.rmtree(folder)


@pytest.fixture(scope="module")
def recording(team: Team) -> Iterator[Path]:
    """MLflow on PostgreSQL, where three people have a name; its log."""
    users = {name: team.passwords[name] for name in ("alice", "bob", "carol")}
    with (
        team_servers.postgresql(team.place, team.passwords["postgresql"]),
        team_servers.mlflow(team.place, team.passwords["admin"], users) as log,
    ):
        yield log


@pytest.fixture(scope="module")
def key(team: Team) -> Iterator[Path]:
    """The key of an SSH server."""
    with team_servers.ssh(team.place) as made:
        yield made


@pytest.fixture(scope="module")
def webdav(team: Team) -> Iterator[None]:
    """A WebDAV server with the names of the same people."""
    users = {name: team.passwords[f"{name} on webdav"] for name in ("alice", "bob", "carol")}
    with team_servers.webdav(team.place, users):
        yield


@pytest.fixture(scope="module")
def alice(team: Team, recording: Path, key: Path, project_template: Path) -> Person:
    """The person who begins: trains, pushes the files by SSH and the rest by git."""
    del recording
    folder = Path(shutil.copytree(project_template, team.home / "alice"))
    make_repository(
        folder, *TINY_RUN[1:], "tracking=server", f"tracking.uri={team.place.mlflow}"
    )
    run(folder, "git", "branch", "-q", "-M", "main")
    run(folder, "git", "remote", "add", "origin", str(team.origin))
    run(folder, "git", "config", "push.autoSetupRemote", "true")
    person = Person(team, "alice", folder)
    person.follows("the first clone", key)
    return person


@pytest.fixture(scope="module")
def bob(alice: Person, key: Path) -> Person:
    """A second person, who pulls what Alice has made and trains another model."""
    person = alice.team.clone("bob")
    printed = person.follows("another clone", key)
    assert stages_run(printed) == []
    assert "Data and pipelines are up to date." in printed
    assert (person.clone / "outputs" / "model" / "weights.safetensors").exists()
    return person


def test_two_people_compare_their_runs_on_one_server(bob: Person) -> None:
    bob.does("ostinato", "run", "model=gru")
    printed = bob.does("ostinato", "compare", "--csv", "table.csv")
    rows = [line.split(",")[0] for line in (bob.clone / "table.csv").read_text().splitlines()[1:]]
    assert len(rows) == 2, rows
    assert "lstm" in printed
    assert "gru" in printed
    assert "2 configs, 2 runs" in (bob.clone / "outputs" / "compare.html").read_text()
