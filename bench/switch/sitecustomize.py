"""Sets the interpreter's switch interval before the service begins: only the experiment `switch` puts this
folder on the path.
"""

import os
import sys

sys.setswitchinterval(float(os.environ["BENCH_SWITCH"]))
