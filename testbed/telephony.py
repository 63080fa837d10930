"""Kamailio with its kazoo module, and SIPp: installed, or unpacked from Debian's packages without root."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from testbed import apt
from testbed.debian import Packages, Say, libraries, unpacked
from testbed.errors import NoBroker, NoKamailio

KAMAILIO = Packages(
    "Kamailio",
    "kamailio",
    (
        "kamailio",
        "kamailio-kazoo-modules",
        "kamailio-json-modules",
        "kamailio-extra-modules",
        "kamailio-presence-modules",
        "kamailio-utils-modules",
        "kamailio-sqlite-modules",
        "sip-tester",
    ),
    13,
)
"""The module's packages; `extra` has evapi and jansson, `utils` http_client."""


@dataclass(frozen=True, slots=True)
class Telephony:
    """Where the programs and Kamailio's modules are, and what they need in the environment."""

    kamailio: Path
    sipp: Path
    modules: Path
    libraries: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """The machine's environment, and the folders of the libraries that came with the packages."""
        given = os.environ.get("LD_LIBRARY_PATH", "")
        path = os.pathsep.join(folder for folder in (*self.libraries, given) if folder)
        return {**os.environ, "LD_LIBRARY_PATH": path} if path else dict(os.environ)


def find(say: Say) -> Telephony:
    """The machine's own, else Debian's packages; by apt only where the machine may be changed."""
    why = "nor Debian packages to have it from"
    try:
        found = _under(Path("/")) or _from_packages(say)
    except NoBroker as error:
        found, why = None, str(error)
    if found is None and apt.may_install():
        apt.install(say, KAMAILIO.names)
        found = _under(Path("/"))
    if found is None:
        raise NoKamailio(
            f"There is no Kamailio with its kazoo module here ({why}): what runs against the real module"
            " is left out. Install kamailio, kamailio-kazoo-modules and sip-tester to have it run."
        )
    return found


def _from_packages(say: Say) -> Telephony | None:
    cache = unpacked(KAMAILIO, say)
    return None if cache is None else _under(cache, libraries(cache))


def _under(root: Path, folders: tuple[str, ...] = ()) -> Telephony | None:
    """What a tree holds, if it holds all of it: the kazoo module comes in a package of its own."""
    kazoo = next(root.glob("usr/lib*/**/kamailio/modules/kazoo.so"), None)
    kamailio, sipp = root / "usr/sbin/kamailio", root / "usr/bin/sipp"
    if root == Path("/"):
        kamailio, sipp = _of_the_machine("kamailio", kamailio), _of_the_machine("sipp", sipp)
    complete = kazoo is not None and (kazoo.parent / "evapi.so").exists()
    if kazoo is None or not (complete and kamailio.exists() and sipp.exists()):
        return None
    own = str(kazoo.parent.parent)  # libraries that Kamailio's modules share
    return Telephony(kamailio, sipp, kazoo.parent, (own, *folders))


def _of_the_machine(program: str, usual: Path) -> Path:
    return Path(shutil.which(program) or usual)
