"""The stages after fetch, in order, in one process."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UserError
from ostinato.stages import compose, cross_corpus, evaluate, generate, split, train
from ostinato.stages.again import Again
from ostinato.stages.piece_cache import read_pieces
from ostinato.stages.run_provenance import Provenance, read_provenance, with_results
from ostinato.stages.workspace import Workspace, samples_folder

if TYPE_CHECKING:
    from ostinato.training.trainer import Fitted


def run_stages(config: Config, workspace: Workspace, again: Again | None = None) -> "Fitted":
    """Run every stage after fetch; pieces are shared with runs on the same corpus.

    again: an earlier run, with which this one is compared. Returns what the training came to.
    """
    if again:
        again.say_start(config, workspace)
    workspace = prepare_stages(config, workspace)
    if again:
        again.say_data(config, workspace)
    fitted = train.run(config, workspace)
    finish_stages(config, workspace)
    if again:
        again.say_result(config, workspace)
    return fitted


def prepare_stages(config: Config, workspace: Workspace) -> Workspace:
    """Run the stages before training; returns the workspace with the pieces that it reads."""
    compose.run(config, workspace)
    workspace = replace(workspace, shared_pieces=read_pieces(config, workspace))
    split.run(config, workspace)
    cross_corpus.prepare(config, workspace)  # what cannot be scored is said before the training
    read_provenance(config, workspace).write(workspace.outputs)
    return workspace


def finish_stages(config: Config, workspace: Workspace) -> None:
    """Generate and evaluate; a model without samples is evaluated before that is raised."""
    failure = _generate(config, workspace)
    if (provenance := Provenance.read(workspace.outputs)) is not None:
        samples = samples_folder(config, workspace)
        with_results(provenance, workspace.model, samples).write(workspace.outputs)
    evaluate.run(config, workspace)
    if failure is not None:
        raise failure


def _generate(config: Config, workspace: Workspace) -> UserError | None:
    """Generate; returns what is in the way, so that the model is evaluated all the same."""
    try:
        generate.run(config, workspace)
    except UserError as error:
        console.warn(f"there are no samples: {error}")
        return error
    return None
