"""promtool, which checks and tests rules of Prometheus: installed, or unpacked from Debian's package."""

import os
import shutil
from dataclasses import dataclass

from testbed.debian import Packages, Say, libraries, unpacked

PROMETHEUS = Packages("Prometheus", "prometheus", ("prometheus",), 25)


@dataclass(frozen=True, slots=True)
class Promtool:
    """Where the program is, and the libraries that came with it."""

    program: str
    libraries: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """The machine's environment, and the folders of the libraries."""
        return {**os.environ, **({"LD_LIBRARY_PATH": ":".join(self.libraries)} if self.libraries else {})}


def find(say: Say) -> Promtool | None:
    """The machine's own, else that of Debian's package; None where neither is to be had."""
    installed = shutil.which("promtool")
    if installed:
        return Promtool(installed)
    cache = unpacked(PROMETHEUS, say)
    if cache is None:
        return None
    return Promtool(str(cache / "usr/bin/promtool"), libraries(cache))
