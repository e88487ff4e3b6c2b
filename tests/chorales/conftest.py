"""What holds of every backbone and of every representation is tried of the plug-in's, too."""

import sys
from pathlib import Path

for folder in ("models", "representations"):
    sys.path.append(str(Path(__file__).parents[1] / folder))
