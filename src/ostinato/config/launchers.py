"""Launchers of a sweep: the packages that bring them."""

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
