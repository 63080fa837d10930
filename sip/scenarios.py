"""What SIPp plays: each call asks as a caller of its own, and notes what came back for it."""

OPTIONS = """<?xml version="1.0" encoding="UTF-8"?>
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
  <recv response="503" optional="true" rtd="1" next="no">
    <action><log message="[call_number] fallback [timestamp]"/></action>
  </recv>
  <recv response="200" timeout="10000" rtd="1">
    <action>
      <ereg regexp="[^ ]+" search_in="hdr" header="X-Answer:" assign_to="1"/>
      <log message="[call_number] [$1] [timestamp]"/>
    </action>
  </recv>
  <label id="no"/>
</scenario>
"""
"""Logs `NUMBER a-cNUMBER` for a right answer, `NUMBER fallback` for the script's own no."""

QUIET = (
    OPTIONS.replace('<log message="[call_number] [$1] [timestamp]"/>', "")
    .replace('<ereg regexp="[^ ]+" search_in="hdr" header="X-Answer:" assign_to="1"/>', "")
    .replace("    <action>\n      \n      \n    </action>\n", "")
    .replace(
        """  <recv response="503" optional="true" rtd="1" next="no">
    <action><log message="[call_number] fallback [timestamp]"/></action>
  </recv>
""",
        "",
    )
    .replace('  <label id="no"/>\n', "")
)
"""Only 200 counts, and nothing is written: for the load."""

INVITE = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="INVITE">
  <send retrans="500" start_rtd="1"><![CDATA[
    INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:c[call_number]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:c[call_number]@[local_ip]:[local_port]>
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true" timeout="10000" rtd="1">
    <action>
      <ereg regexp="[^ ]+" search_in="hdr" header="X-Answer:" assign_to="1"/>
      <log message="[call_number] [$1]"/>
    </action>
  </recv>
  <send><![CDATA[
    ACK [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    [routes]
    From: <sip:c[call_number]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <send retrans="500"><![CDATA[
    BYE [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    [routes]
    From: <sip:c[call_number]@[local_ip]:[local_port]>;tag=[pid]t[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 2 BYE
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"""

TAKES = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="takes">
  <recv request="INVITE" rrs="true">
    <action><ereg regexp="sip:([^@]+)@" search_in="msg" assign_to="1,2"/><log message="[$2]"/></action>
  </recv>
  <send retrans="500"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[pid]u[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    [last_Record-Route:]
    Contact: <sip:[local_ip]:[local_port]>
    X-Answer: [$2]
    Content-Length: 0

  ]]></send>
  <recv request="ACK"/>
  <recv request="BYE"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
  <Reference variables="1"/>
</scenario>
"""
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
