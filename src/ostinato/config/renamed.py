"""Keys of the config that have another name than they had."""

RENAMED = {
    "training.transposed": "training.transpose_probability",
    "sampling.steps": "sampling.interpolation_steps",
    "sampling.from": "sampling.start",
}


def describe_renamed(key: str) -> str:
    """Return a sentence that names the new key of an old one; nothing for any other key."""
    return f"{key} is called {RENAMED[key]} now: write that instead." if key in RENAMED else ""
