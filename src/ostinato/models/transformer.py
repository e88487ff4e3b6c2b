"""The causal, decoder-only transformer (Vaswani et al. 2017) over music (Huang et al. 2018)."""

from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

from ostinato.models.attention import Attention, KVCache, Positions
from ostinato.models.backbone import Backbone


class TransformerState(NamedTuple):
    """The state: how many steps have passed, and the keys and values of each layer."""

    steps: int
    caches: tuple[KVCache, ...]


def _heads_share(heads: int, others: ValidationInfo) -> int:
    width = others.data.get("hidden_size")
    if width is not None and width % heads:
        raise PydanticCustomError("heads", "it should divide hidden_size={width}", {"width": width})
    return heads


def _pairs_turn(positions: Positions, others: ValidationInfo) -> Positions:
    width, heads = others.data.get("hidden_size"), others.data.get("heads")
    if positions == "rotary" and width and heads and width // heads % 2:
        raise PydanticCustomError(
            "positions",
            "rotary turns pairs of units, so hidden_size={width} should be an even multiple of "
            "heads={heads}",
            {"width": width, "heads": heads},
        )
    return positions


class Layer(nn.Module):
    """Applies attention, then a feed-forward network, each on normalised input and added to it."""

    def __init__(self, width: int, feed_forward: int, dropout: float, attention: Attention) -> None:
        super().__init__()
        self.before_attention, self.attention = nn.LayerNorm(width), attention
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, feed_forward),
            nn.GELU(),
            nn.Linear(feed_forward, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cache: KVCache | None, first: int) -> tuple[Tensor, KVCache]:
        """Return y, (batch, time, width) as x is, and the keys and values that next steps need."""
        y, cache = self.attention(self.before_attention(x), cache, first)
        x = x + self.dropout(y)
        return x + self.dropout(self.feed_forward(x)), cache


class Transformer(Backbone):
    """Stacks layers of causal self-attention, normalised before each part (pre-norm)."""

    def __init__(
        self,
        hidden_size: Annotated[int, Field(ge=1, le=16384, description="units per layer")],
        layers: Annotated[int, Field(ge=1, le=64, description="layers, one above the other")],
        heads: Annotated[
            int,
            Field(ge=1, le=256, description="heads of attention; they share the units"),
            AfterValidator(_heads_share),
        ],
        feed_forward: Annotated[
            int, Field(ge=1, le=65536, description="units between the layers of attention")
        ],
        positions: Annotated[
            Positions,
            Field(description="how it knows distances: learned vectors, a bias, rotation, or not"),
            AfterValidator(_pairs_turn),
        ],
        max_distance: Annotated[
            int, Field(ge=1, le=8192, description="relative and bias: all beyond it are one")
        ],
        memory: Annotated[
            int | None, Field(ge=1, description="steps back that are looked at; null: all")
        ],
        dropout: Annotated[float, Field(ge=0, lt=1, description="dropped of what each part adds")],
        *,
        input_size: int,
    ) -> None:
        super().__init__()
        if hidden_size % heads:
            raise ValueError(f"heads={heads} should divide hidden_size={hidden_size}.")
        if positions == "rotary" and hidden_size // heads % 2:
            raise ValueError(
                f"positions=rotary turns pairs of units, so hidden_size={hidden_size} should be "
                f"an even multiple of heads={heads}."
            )
        self.output_size = hidden_size
        self.entry = nn.Linear(input_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            Layer(
                hidden_size,
                feed_forward,
                dropout,
                Attention(hidden_size, heads, positions, max_distance, memory),
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(hidden_size)

    def forward(
        self, x: Tensor, state: TransformerState | None = None
    ) -> tuple[Tensor, TransformerState]:
        """Return y (batch, time, hidden_size) and the state after x (batch, time, input_size)."""
        steps = state.steps if state else 0
        y: Tensor = self.dropout(self.entry(x))
        caches = []
        for i, layer in enumerate(self.layers):
            y, cache = layer(y, state.caches[i] if state else None, steps)
            caches.append(cache)
        return self.norm(y), TransformerState(steps + x.shape[1], tuple(caches))

    def select(self, state: TransformerState | None, rows: Tensor) -> TransformerState | None:
        """Return the state of the sequences `rows`, whose caches have memory of their own."""
        if state is None:
            return None
        return state._replace(caches=tuple(cache.select(rows) for cache in state.caches))
