"""mirex: a prompt of four bars -> continuations of twelve, as MIREX asks for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import console
from ostinato.config import Config
from ostinato.errors import UnencodableError, UserError
from ostinato.files import write_json
from ostinato.folders import atomic_folder, check_replaceable
from ostinato.methods.base import TEST, Method, SamplingTask
from ostinato.music import mirex
from ostinato.stages.workspace import Workspace, model_folder
from ostinato.wording import agree, quantity

if TYPE_CHECKING:
    from ostinato.sampling.settings import Sampling

KIND = "continuations"
MOST = 4096  # continuations of a prompt


@dataclass(frozen=True)
class Request:
    """A prompt's file, the folder to write, and how many continuations."""

    prompt: Path
    folder: Path
    samples: int


def continue_prompt(request: Request, config: Config, workspace: Workspace) -> None:
    """Write `sample_01.json`, `sample_02.json`, … by the model that the config names."""
    from ostinato.models.bundle import load_bundle

    if not 1 <= request.samples <= MOST:
        raise UserError(f"{request.samples} samples do not fit: ask for 1 to {MOST}.")
    prompt = mirex.read_prompt(request.prompt)
    check_replaceable(request.folder, KIND)
    bundle = load_bundle(model_folder(config, workspace), config.plugins)
    try:
        if not bundle.representation.trainable:
            bundle.representation.encode(prompt)
    except UnencodableError as error:
        raise UserError(
            f"{console.where(request.prompt)} does not fit the model: as "
            f"{bundle.representation.name} the prompt {error}."
        ) from error
    asked = config["sampling"] | {
        "pieces": request.samples,
        "prompt": TEST,
        "prompt_bars": mirex.PROMPT_BARS,
        "min_bars": mirex.BARS,
        "max_bars": mirex.BARS,
    }
    drawn_by = Config({**bundle.config.tree, "sampling": asked}, config.plugins)
    drawn_by.tree["choices"] = config["choices"] | bundle.config["choices"]
    method: Method = drawn_by.build("method")
    method.check_sampling(drawn_by)
    settings: Sampling = drawn_by.build("sampling")
    longer = mirex.continue_beyond(prompt)
    task = SamplingTask(bundle, settings, config["seed"], lambda: [longer])
    found = [mirex.list_continuation(s.piece, prompt) for s in method.sample(task).samples]
    digits = max(2, len(str(request.samples)))
    with atomic_folder(request.folder, KIND) as part:
        for number, (continuation, _) in enumerate(found, start=1):
            write_json(part / f"sample_{number:0{digits}d}.json", continuation)
    if early := sum(count for _, count in found):
        console.warn(
            f"{quantity(early, 'note')} that {agree(early, 'begins', 'begin')} before step "
            f"{mirex.BEGIN} {agree(early, 'is', 'are')} left out."
        )
    if empty := sum(not continuation["generation"] for continuation, _ in found):
        console.warn(f"{quantity(empty, 'continuation')} {agree(empty, 'has', 'have')} no note.")
    console.say(f"{quantity(len(found), 'continuation')} in {console.where(request.folder)}")
