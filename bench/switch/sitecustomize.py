"""Sets the interpreter's switch interval before the service begins, and keeps it from setting its own: only
the experiment `switch` puts this folder on the path.
"""

import os
import sys

sys.setswitchinterval(float(os.environ["BENCH_SWITCH"]))
sys.setswitchinterval = lambda _: None
