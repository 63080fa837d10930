"""Five decisions over one payload, in the words of each engine. Read by `rules` and `rules_peers`."""

PAYLOAD = {
    "Event-Category": "presence",
    "Event-Name": "dialog_update",
    "Msg-ID": "4ae0f1f0-b0d2-4f21-b3d1-f6a5a3c0a2b1",
    "App-Name": "ecallmgr",
    "App-Version": "4.3",
    "Node": "ecallmgr@apps001.example.com",
    "Call-ID": "b3d1f6a5a3c0a2b1@10.0.0.1",
    "Timestamp": 63800000000,
    "State": "early",
    "Direction": "inbound",
    "From": "sip:1001@acme.example.com",
    "To": "sip:1002@acme.example.com",
    "Expires": 3600,
    "Caller": {"Realm": "acme.example.com", "Name": "Alice"},
    "Channels": [{"state": "up", "url": "sip:fs1@10.0.0.1:11000"}, {"state": "hangup"}],
    "Priority": None,
}

NAMES = ("two fields", "membership", "nested", "arithmetic", "text and null")

KZRULES = (
    '.State == "early" and .Direction == "inbound"',
    '.State in ["early", "confirmed", "terminated"] and .Expires > 0',
    '.Caller.Realm == "acme.example.com" and .Channels[0].state != "hangup"',
    ".Expires % 60 == 0 and .Expires * 2 + 10 > 100",
    'contains(.From, "@acme.") and .Status == null and (.Priority ?? 5) >= 5',
)
ZEN = (
    'State == "early" and Direction == "inbound"',
    'State in ["early", "confirmed", "terminated"] and Expires > 0',
    'Caller.Realm == "acme.example.com" and Channels[0].state != "hangup"',
    "Expires % 60 == 0 and Expires * 2 + 10 > 100",
    'contains(From, "@acme.") and Status == null and (Priority ?? 5) >= 5',
)
CEL = (
    'State == "early" && Direction == "inbound"',
    'State in ["early", "confirmed", "terminated"] && Expires > 0',
    'Caller.Realm == "acme.example.com" && Channels[0].state != "hangup"',
    "Expires % 60 == 0 && Expires * 2 + 10 > 100",
    'From.contains("@acme.") && (Priority == null ? 5 : Priority) >= 5',
)
"""CEL has no missing fields without a macro on an object: the fifth decision is a little smaller there."""
RULE_ENGINE = (
    'State == "early" and Direction == "inbound"',
    'State in ["early", "confirmed", "terminated"] and Expires > 0',
    'Caller.Realm == "acme.example.com" and Channels[0].state != "hangup"',
    "Expires % 60 == 0 and Expires * 2 + 10 > 100",
    '"@acme." in From and Status == null and (Priority == null ? 5 : Priority) >= 5',
)


def _var(name: str) -> dict[str, str]:
    return {"var": name}


JSON_LOGIC = (
    {"and": [{"==": [_var("State"), "early"]}, {"==": [_var("Direction"), "inbound"]}]},
    {
        "and": [
            {"in": [_var("State"), ["early", "confirmed", "terminated"]]},
            {">": [_var("Expires"), 0]},
        ]
    },
    {
        "and": [
            {"==": [_var("Caller.Realm"), "acme.example.com"]},
            {"!=": [_var("Channels.0.state"), "hangup"]},
        ]
    },
    {
        "and": [
            {"==": [{"%": [_var("Expires"), 60]}, 0]},
            {">": [{"+": [{"*": [_var("Expires"), 2]}, 10]}, 100]},
        ]
    },
    {
        "and": [
            {"in": ["@acme.", _var("From")]},
            {"==": [_var("Status"), None]},
            {">=": [{"if": [{"==": [_var("Priority"), None]}, 5, _var("Priority")]}, 5]},
        ]
    },
)
