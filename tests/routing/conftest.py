"""Lets the tests of routing import the stage that they share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
