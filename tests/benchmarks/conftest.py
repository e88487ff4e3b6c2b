"""The benchmarks are scripts, not a package."""

import sys
from pathlib import Path

for folder in ("gan", "likelihood"):  # the later is looked into first: `run` is of likelihood
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / folder))
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
