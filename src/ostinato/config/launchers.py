"""Launchers of a sweep, the packages that bring them, and what Hydra says of its own groups."""

# by the option of hydra/launcher: what installs the package that brings it
INSTALLING = {
    "joblib": "pip install hydra-joblib-launcher",
    "submitit_local": "pip install -e '.[slurm]'",
    "submitit_slurm": "pip install -e '.[slurm]'",
    "ray": "pip install ray && pip install --no-deps hydra-ray-launcher",
}
LAUNCHER = "hydra/launcher"


def explain_missing(option: str) -> str:
    """Return in a sentence how to install a launcher that is missing; nothing for another word."""
    if option not in INSTALLING:
        return ""
    return (
        f"{LAUNCHER}={option} needs a package that is not installed: run "
        f"`{INSTALLING[option]}` in the environment of ostinato."
    )


def hydras_options(message: str) -> list[str]:
    """Return the options that Hydra lists of a group of its own."""
    listed = message.partition("Available options")[2].partition("Config search path")[0]
    return [line.strip() for line in listed.splitlines()[1:] if line.strip()]
