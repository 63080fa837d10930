"""What is loaded is left alone by the collector, and what loading needed is given back."""

import subprocess
import sys


def test_what_was_loaded_is_frozen_and_the_collector_looks_seldom():
    asked = (
        "import gc; from kzrules.service import memory; memory.settle(); print(gc.get_freeze_count() > 1000)"
    )
    said = subprocess.run(
        [sys.executable, "-c", f"{asked}; print(gc.get_threshold()[0] == memory.YOUNG)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "True\nTrue\n" == said.stdout
