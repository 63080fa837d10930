"""What was loaded is left alone by the collector, what loading took is given back, and threads take turns."""

import subprocess
import sys


def test_the_reactor_waits_no_longer_than_a_millisecond_for_its_turn():
    asked = "import sys; from kzrules.service import memory; memory.settle(); print(sys.getswitchinterval())"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout == "0.001\n"


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
