"""The demo is a directory of programs, not a package: its modules are imported from there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "netns-lab"))
