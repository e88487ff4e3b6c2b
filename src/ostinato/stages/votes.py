"""votes: files of listeners -> a table of systems by strength."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.files import write_text
from ostinato.stages.listen import KEY, LISTENING
from ostinato.stages.workspace import Workspace
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    from ostinato.listening.protocol import Key, VotesFile
    from ostinato.listening.votes import Votes


def count(files: Sequence[Path], key: Path | None, table: Path | None) -> None:
    """Print the ranking that the votes come to, once they are enough; `table` is a CSV to write.

    Raises `UserError` for files that are no votes, or not of one test.
    """
    from ostinato.listening import ranking
    from ostinato.listening.protocol import read_votes
    from ostinato.listening.votes import gather_votes

    read = {path: read_votes(path) for path in dict.fromkeys(files)}
    if twice := len(files) - len(read):
        console.say(f"{quantity(twice, 'file')} given twice {agree(twice, 'is', 'are')} read once")
    known = _find_key(read, key)
    votes = gather_votes(read, known)
    _say_doubled(votes)
    if ranking.count_missing(votes):
        console.say(ranking.explain_missing(votes))
        return
    names = {id_: known.systems[id_].name if known else id_ for id_ in votes.systems}
    found = ranking.rank_systems(votes, names)
    console.out.print(ranking.draw_table(found), soft_wrap=False)
    for system in known.systems.values() if known else ():
        console.say(f"{system.name}: {system.source}")
    if table is not None:
        write_text(table, ranking.write_csv(found))
        console.say(f"the table is in {console.where(table)}")


def _find_key(read: "dict[Path, VotesFile]", key: Path | None) -> "Key | None":
    """Return the key that was given, or else that of the test in this project."""
    from ostinato.listening.protocol import read_key

    if key is not None:
        return read_key(key)
    test = next(iter(read.values())).test
    own = Workspace.here().outputs / LISTENING / test / KEY
    if not own.is_file():
        console.warn(
            f"the key of the test {test} is not in {console.where(own.parent)}: systems have no "
            "names, and votes are not checked against it; give --key."
        )
        return None
    return read_key(own)


def _say_doubled(votes: "Votes") -> None:
    if votes.doubled:
        console.say(
            f"{quantity(votes.doubled, 'vote')} {agree(votes.doubled, 'is', 'are')} in several "
            "files, and counted once"
        )
    if votes.replaced:
        console.say(
            f"{quantity(votes.replaced, 'answer')} {agree(votes.replaced, 'was', 'were')} changed "
            "by the listener: the last one counts"
        )
