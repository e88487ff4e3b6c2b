"""The peers: GPT-2 of Hugging Face for composing, the loop of notebooks for training."""

import time
from collections.abc import Callable
from typing import Any

PEER = "gpt2"
WINDOW, CLASSIC_BATCH, CLASSIC_STEPS = 100, 64, 20  # of the loop of notebooks


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


def classic_predictions(size: int) -> float:
    """Return the predictions per second of the loop that notebooks have.

    Each sample is a window of one-hot tokens, of which the token after it is learned.
    """
    import torch

    layer = torch.nn.LSTM(size, 384, batch_first=True)
    last = torch.nn.Linear(384, size)
    parameters = [*layer.parameters(), *last.parameters()]
    optimizer = torch.optim.Adam(parameters)
    tokens = torch.randint(size, (CLASSIC_BATCH, WINDOW + 1))
    start = time.perf_counter()
    for _ in range(CLASSIC_STEPS):
        inputs = torch.nn.functional.one_hot(tokens[:, :-1], size).float()
        loss = torch.nn.functional.cross_entropy(last(layer(inputs)[0][:, -1]), tokens[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return CLASSIC_BATCH * CLASSIC_STEPS / (time.perf_counter() - start)
