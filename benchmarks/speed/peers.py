"""The peer of composing: `generate` of Hugging Face Transformers, where it is installed."""

from collections.abc import Callable
from typing import Any

PEER = "gpt2"


def gpt2_generates(network: Any, pieces: int, steps: int) -> Callable[[], int] | None:
    """Return what draws so many tokens of so many pieces by a GPT-2 of the size of a transformer.

    It samples from the whole vocabulary with a static cache. None where `transformers` is not
    installed.
    """
    try:
        from transformers import GPT2Config, GPT2LMHeadModel
    except ImportError:
        return None
    import torch

    backbone = network.backbone
    config = GPT2Config(
        vocab_size=network.spec.size,
        n_positions=steps + 1,
        n_embd=backbone.output_size,
        n_layer=len(backbone.layers),
        n_head=backbone.layers[0].attention.heads,
        n_inner=backbone.layers[0].feed_forward[1].out_features,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=0,
    )
    model = GPT2LMHeadModel(config).eval()
    first = torch.zeros((pieces, 1), dtype=torch.long)

    def generate() -> int:
        torch.manual_seed(1)
        drawn = model.generate(
            first,
            attention_mask=torch.ones_like(first),
            do_sample=True,
            top_k=0,
            min_new_tokens=steps,
            max_new_tokens=steps,
            cache_implementation="static",
        )
        return pieces * (drawn.shape[1] - 1)

    generate()
    return generate
