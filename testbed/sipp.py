"""SIPp, which plays SIP scenarios against a Kamailio of ours and counts how they went."""

import csv
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from testbed import telephony
from testbed.broker import say_on_stderr
from testbed.errors import CommandFailed
from testbed.ports import free_port
from testbed.telephony import Telephony

OPTIONS = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="OPTIONS">
  <send retrans="500"><![CDATA[
    OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 OPTIONS
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="200" timeout="10000" rtd="true"/>
</scenario>
"""
"""Asks, and expects 200: what a request route that queries before it answers is called with."""

_FAILED = 1
"""SIPp's exit status where calls failed; every other than 0 is trouble of its own."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How a run ended, with each call's record where the scenario logged one."""

    successful: int
    failed: int
    retransmissions: int
    logged: tuple[str, ...]
    """What the scenario's `<log>` actions wrote."""
    response_times: tuple[float, ...] = ()
    """Milliseconds of each response time that the scenario takes, where they were asked for."""


def run(
    port: int,
    *,
    scenario: str = OPTIONS,
    calls: int = 1,
    rate: float = 100.0,
    at_once: int = 1000,
    service: str = "service",
    timeout: float = 60.0,
    response_times: bool = False,
    programs: Telephony | None = None,
) -> Calls:
    """Play a scenario `calls` times against 127.0.0.1:`port`; CommandFailed when SIPp itself fails."""
    programs = programs or telephony.find(say_on_stderr)
    with tempfile.TemporaryDirectory(prefix="kzrules-sipp-") as folder:
        Path(folder, "scenario.xml").write_text(scenario)
        command = [str(programs.sipp), f"127.0.0.1:{port}", "-sf", "scenario.xml", "-s", service]
        command += ["-i", "127.0.0.1", "-p", str(free_port()), "-m", str(calls), "-r", f"{rate:g}"]
        command += ["-l", str(at_once), "-nostdin", "-trace_stat", "-stf", "stat.csv", "-fd", "1"]
        command += ["-trace_logs", "-log_file", "log.txt", "-trace_err", "-error_file", "errors.txt"]
        command += ["-timeout", f"{timeout:g}s", "-timeout_error"]
        if response_times:
            command += ["-trace_rtt", "-rtt_freq", "20", "-timer_resol", "1"]
        done = _run(command, folder, programs, timeout)
        if done.returncode not in (0, _FAILED) or not Path(folder, "stat.csv").exists():
            raise CommandFailed(f"sipp ended with status {done.returncode}: {_trouble(folder, done)}")
        return _counted(Path(folder))


def _run(
    command: list[str], folder: str, programs: Telephony, timeout: float
) -> "subprocess.CompletedProcess[str]":
    environment = {**programs.environment(), "TERM": "dumb"}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout + 15,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"sipp did not end within {timeout + 15:.0f} s") from error


def _trouble(folder: str, done: "subprocess.CompletedProcess[str]") -> str:
    errors = Path(folder, "errors.txt")
    lines = (errors.read_text(errors="replace") if errors.exists() else done.stderr).splitlines()
    return lines[-1] if lines else "no message"


def _counted(folder: Path) -> Calls:
    with (folder / "stat.csv").open(newline="") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    log = folder / "log.txt"
    return Calls(
        int(last["SuccessfulCall(C)"]),
        int(last["FailedCall(C)"]),
        int(last["Retransmissions(C)"]),
        tuple(log.read_text(errors="replace").splitlines()) if log.exists() else (),
        tuple(_response_times(folder)),
    )


def _response_times(folder: Path) -> list[float]:
    """Of each record of SIPp's own file: a moment, a time in milliseconds, and what was timed."""
    files = (found.read_text().splitlines()[1:] for found in folder.glob("*_rtt.csv"))
    return [float(line.split(";")[1]) for lines in files for line in lines]
