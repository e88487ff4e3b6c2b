"""Names that requests may use are those that the models know."""

from typing import Any, get_args

from ostinato.models.variational.vae import ATTRIBUTES
from ostinato.sampling.settings import CONTROLS
from ostinato.studio import models, schemas
from ostinato.studio.overrides import PROBES


def names(field: Any) -> tuple[str, ...]:
    """Return the keys that a field of a mapping takes."""
    return get_args(get_args(field.annotation)[0])


def test_controls_and_attributes_are_those_of_the_models() -> None:
    assert names(schemas.Drawing.model_fields["controls"]) == CONTROLS
    assert names(schemas.Latent.model_fields["attributes"]) == ATTRIBUTES == models.ATTRIBUTES


def test_all_that_a_model_may_not_do_has_a_reason() -> None:
    assert set(models.WHY_NOT) == set(PROBES)
