"""What SIPp plays: each call asks as a caller of its own, and notes what came back for it."""

from pathlib import Path

_EXAMPLES = Path(__file__).parents[1] / "examples" / "kamailio"

_SEND = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="OPTIONS">
  <send retrans="500" start_rtd="1"><![CDATA[
    OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:c[call_number]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 OPTIONS
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="100" optional="true"/>
"""
OPTIONS = (
    _SEND
    + """  <recv response="503" optional="true" rtd="1" next="no">
    <action>
      <ereg regexp="503 ([a-z_]+)" search_in="msg" assign_to="2,3"/>
      <log message="[call_number] no:[$3] [timestamp]"/>
    </action>
  </recv>
  <recv response="200" timeout="10000" rtd="1">
    <action>
      <ereg regexp="[^ ]+" search_in="hdr" header="X-Answer:" assign_to="1"/>
      <log message="[call_number] [$1] [timestamp]"/>
    </action>
  </recv>
  <label id="no"/>
  <Reference variables="2"/>
</scenario>
"""
)
"""Logs `NUMBER a-cNUMBER` for a right answer, `NUMBER no:REASON` for the script's own no, and when."""

QUIET = (
    _SEND
    + """  <recv response="200" timeout="10000" rtd="1"/>
</scenario>
"""
)
"""Only 200 counts, and nothing is written: for the load."""

INVITE = (_EXAMPLES / "call.xml").read_text()
"""A call that notes who took it."""

TAKES = (_EXAMPLES / "take.xml").read_text()
"""A server that takes each call, and gives back the user that it was called as."""

REFUSES = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="refuses">
  <recv request="INVITE"/>
  <send><![CDATA[
    SIP/2.0 503 Full
    [last_Via:]
    [last_From:]
    [last_To:];tag=[pid]u[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
  <recv request="ACK"/>
</scenario>
"""
