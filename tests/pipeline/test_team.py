"""A team on real servers: DVC over SSH and WebDAV, MLflow on PostgreSQL behind passwords."""

import base64
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

import team_servers
from projects import TINY_RUN, bytes_of, make_repository, run, stages_run
from team_servers import FILES, Place, account, blocks, carry_out, free_ports

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
Patch = pytest.MonkeyPatch
GIT_OBJECTS = ("git", "cat-file", "--batch", "--batch-all-objects", "--unordered")
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
        author |= {
            f"GIT_{who}_EMAIL": f"{self.name}@example.org" for who in ("AUTHOR", "COMMITTER")
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in author.items():
                patch.setenv(name, value)
            patch.setenv("MLFLOW_TRACKING_USERNAME", self.name)
            patch.setenv("MLFLOW_TRACKING_PASSWORD", self.team.passwords[self.name])
            patch.setenv("WEBDAV_PASSWORD", self.team.passwords[f"{self.name} on webdav"])
            done = run(self.clone, *command, check=check)
        self.team.words += [done.stdout, done.stderr]
        return done.stdout + done.stderr

    def script(self, title: str, key: Path | None = None) -> str:
        """Return the commands of a block of the page, with this person's account and key."""
        script = INSTALL.sub("", self.team.place.moved(blocks()[title]))
        script = re.sub(r"user (alice|bob)", f"user {account() if key else self.name}", script)
        return script.replace("~/.ssh/id_ed25519", str(key))

    def follows(self, title: str, key: Path | None = None) -> str:
        """Run the commands of a block of the page; returns what they printed."""
        return self.does("bash", "-e", "-c", self.script(title, key))


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
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
def alice(team: Team, key: Path, recording: Path, project_template: Path) -> Person:
    """The person who begins: trains, pushes the files by SSH and the rest by git."""
    del recording
    folder = Path(shutil.copytree(project_template, team.home / "alice"))
    make_repository(folder, *TINY_RUN[1:], f"tracking.uri={team.place.mlflow}")
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


@pytest.fixture(scope="module")
def carol(bob: Person, webdav: None) -> Person:
    """A third person, who takes the files from WebDAV, to which Bob has pushed them."""
    del webdav
    [title] = [title for title in blocks() if title.startswith("the first clone that uses WebDAV")]
    bob.follows(title)
    bob.does("git", "commit", "-q", "-a", "-m", "a remote over WebDAV")
    bob.does("git", "push", "-q")
    person = bob.team.clone("carol")
    script = re.sub("^dvc remote add .*$", "", person.script(title), flags=re.MULTILINE)
    person.does("bash", "-e", "-c", script.replace("dvc push", "dvc pull"))
    return person


def test_two_people_compare_their_runs_on_one_server(bob: Person) -> None:
    bob.does("ostinato", "run", "model=gru")
    printed = bob.does("ostinato", "compare", "--csv", "table.csv")
    rows = [line.split(",")[0] for line in (bob.clone / "table.csv").read_text().splitlines()[1:]]
    assert len(rows) == 2, rows
    assert "lstm" in printed
    assert "gru" in printed
    assert "2 configs, 2 runs" in (bob.clone / "outputs" / "compare.html").read_text()


def test_a_person_fetches_over_webdav_and_has_nothing_to_do(bob: Person, carol: Person) -> None:
    assert stages_run(carol.does("dvc", "repro")) == []
    assert (carol.clone / "data" / "bach").is_dir()
    private = carol.clone / ".dvc" / "config.local"
    assert private.stat().st_mode & 0o777 == 0o600
    assert carol.does("git", "status", "--porcelain") == ""
    made = bytes_of(carol.clone / "outputs" / "model")
    assert made == bytes_of(bob.clone / "outputs" / "model")


def test_a_model_that_one_registers_another_generates_from(alice: Person, bob: Person) -> None:
    there = f"tracking.uri={alice.team.place.mlflow}"
    alice.does("ostinato", "register", "outputs/model", "--name", "ours", "--alias", "best")
    printed = bob.does(
        "ostinato", "generate", "model_dir=models:/ours@best", "samples_dir=theirs", there
    )
    assert "models:/ours@best is in outputs/cache/models/" in printed
    assert list((bob.clone / "theirs").glob("*.mid"))


def test_a_pull_request_is_trained_and_compared_by_the_example_of_github(carol: Person) -> None:
    steps = yaml.safe_load((FILES / "compare.yml").read_text())["jobs"]["compare"]["steps"]
    commands = {step["name"]: step["run"] for step in steps if "name" in step}
    carol.does("git", "checkout", "-q", "-b", "another-seed")
    params = carol.clone / "params.yaml"
    params.write_text(params.read_text().replace("overrides: [", 'overrides: ["seed=1", '))
    for name in ("pull", "repro", "compare"):
        carol.does("bash", "-e", "-c", commands[name].replace("user ci", "user carol"))
    comment = (carol.clone / "comment.md").read_text()
    assert comment.count("```\n") == 2
    assert re.search(r"^ +model +seeds +nats per note", comment, re.MULTILINE)
    seeds = dict(re.findall(r"^=? +(gru|lstm) +(\d) +\d\.\d", comment, re.MULTILINE))
    assert seeds == {"gru": "1", "lstm": "2"}, "the main branch and the request have a seed each"
    assert re.search(r"^\| outputs\S+ +\| test.nats_per_note ", comment, re.MULTILINE)
    carol.does("git", "checkout", "-q", "--", "params.yaml", "dvc.lock", "outputs")


def test_an_array_of_jobs_trains_a_seed_each(bob: Person) -> None:
    (bob.clone / ".venv").symlink_to(sys.prefix)
    login = {"USERNAME": "bob", "PASSWORD": bob.team.passwords["bob"]}
    words = [f"export MLFLOW_TRACKING_{name}={value}\n" for name, value in login.items()]
    (bob.team.home / ".ostinato-team").write_text("".join(words))
    job = {"SLURM_SUBMIT_DIR": ".", "SLURM_CPUS_PER_TASK": "1", "SLURM_ARRAY_TASK_ID": "3"}
    given = [f"{name}={value}" for name, value in job.items()]
    script = f"unset MLFLOW_TRACKING_PASSWORD; HOME={bob.team.home}; . {FILES / 'slurm.sh'}"
    bob.does("env", *given, "bash", "-c", f"{script} model=rnn")
    found = bob.does("ostinato", "compare", "--where", "params.seed = '3'")
    assert "rnn" in found
    refusal = bob.does("bash", str(FILES / "slurm.sh"), check=False)
    assert "run this with sbatch" in refusal


def sentence(printed: str) -> str:
    assert "Traceback" not in printed
    [said] = [line for line in printed.splitlines() if line.startswith("ostinato: ")]
    return said


def test_a_wrong_password_is_told_in_a_sentence(bob: Person, monkeypatch: Patch) -> None:
    monkeypatch.setitem(bob.team.passwords, "bob", "wrong-but-long-enough")
    for command in (("compare",), ("train",), ("register", "outputs", "--name", "x")):
        assert sentence(bob.does("ostinato", *command, check=False)) == (
            f"ostinato: the MLflow server {bob.team.place.mlflow} does not take this name and "
            "password: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD and run the same "
            "command again."
        )


def test_somebody_who_is_shut_out_is_told_so(carol: Person, monkeypatch: Patch) -> None:
    from mlflow.server import get_app_client

    team = carol.team
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", team.passwords["admin"])
    client = get_app_client("basic-auth", team.place.mlflow)
    client.grant_user_permission("carol", "experiment", "1", "DENY")
    for command in (("compare",), ("train", "seed=5")):
        assert sentence(carol.does("ostinato", *command, check=False)) == (
            f"ostinato: the MLflow server {team.place.mlflow} does not permit this (Permission "
            "denied): ask whoever runs it, or record runs here with tracking=local."
        )


def test_a_server_that_cannot_keep_files_is_told_in_a_sentence(bob: Person) -> None:
    [folder] = [path for path in (bob.team.place.folder / "artifacts").iterdir() if path.is_dir()]
    away = folder.rename(folder.with_name("away"))
    folder.write_text("no folder")
    try:
        said = sentence(bob.does("ostinato", "train", "seed=6", check=False))
    finally:
        folder.unlink()
        away.rename(folder)
    assert f"the MLflow server {bob.team.place.mlflow} fails, with status 500" in said


def test_no_password_is_anywhere_but_where_it_was_put(
    alice: Person, bob: Person, carol: Person
) -> None:
    """Of all files, the texts of the commands, the databases, and what git holds."""
    team, place = alice.team, alice.team.place
    secret = [password.encode() for password in team.passwords.values()]
    secret += [
        base64.b64encode(f"{name.split()[0]}:{password}".encode())  # as a request carries them
        for name, password in team.passwords.items()
    ]
    everywhere = [path for top in (team.home, place.folder) for path in top.rglob("*")]
    holding = {
        path
        for path in everywhere
        if path.is_file() and any(word in path.read_bytes() for word in secret)
    }
    put = {place.folder / name for name in ("pgpass", "pg-password", "wsgidav.yaml")}
    put |= {person.clone / ".dvc" / "config.local" for person in (bob, carol)}
    assert holding == put | {team.home / ".ostinato-team"}

    server = ["-h", "127.0.0.1", "-p", str(place.ports["5432"]), "-U", "mlflow"]
    passfile = str(place.folder / "pgpass")
    dump = carry_out(place, ["pg_dumpall", *server], PGPASSFILE=passfile).stdout
    assert "ostinato run experiment=bach_lstm" in dump, "the tag of a run"
    assert all(name in dump for name in ("alice", "bob", "carol"))
    clones = [team.origin, alice.clone, bob.clone, carol.clone]
    objects = [subprocess.check_output(GIT_OBJECTS, cwd=folder) for folder in clones]
    assert team.place.mlflow.encode() in objects[0], "params.yaml"
    for text in (*objects, dump.encode(), *(printed.encode() for printed in team.words)):
        assert not any(word in text for word in secret)
