"""The rule files that the service is measured with."""

from bench.events import CATEGORY, NAMES

MARKS, OUTPUTS, QUESTIONS = "bench.marks", "bench.outputs", "bench.questions"
"""The queues that the driver reads."""
PREFIX = f"kazoo:consumer-event-{CATEGORY}"

SMALL = ""
MEDIUM = """
    let user = uri_user("sip:{.From}")
    let left = (.Expires ?? 0) - 10
    if left > 0 and user != "nobody" { seen[.From] = left } else { info("{.From} is gone") }
    seen[.Call-ID] = .State
"""
LARGE = MEDIUM + "".join(
    f"""
    let part_{n} = lower("{{.From}}-{n}")
    if contains(part_{n}, "@acme.") and .Expires % {n + 2} >= 0 {{ seen["{n}-{{user}}"] = part_{n} }}
    match .State {{ "early" => {{ seen["{n}"] = 1 }} "confirmed" => {{ seen["{n}"] = 2 }} }}
"""
    for n in range(6)
)
RULES = {"small": SMALL, "medium": MEDIUM, "large": LARGE}
FORWARD = f'    publish("", "{OUTPUTS}", payload, mandatory: false)\n'
ASK = f'    let answer = query("", "{QUESTIONS}", payload, timeout: 30s) else (why) {{ retry(why) }}\n'


def subscribe(queue: str, *settings: str) -> str:
    """A subscription to one queue, declared before."""
    inside = "".join(f"    {setting}\n" for setting in settings)
    return f'subscribe bench {{\n    queue "{queue}" {{ passive: true }}\n{inside}}}\n'


def rules(queue: str, body: str = SMALL, *settings: str, names: "tuple[str, ...]" = NAMES) -> str:
    """Routes with a condition, one a name, and the one that sends marks on."""
    return (
        subscribe(queue, *settings)
        + ("table seen { ttl: 1h, max: 100_000 }\n" if "seen[" in body else "")
        + f'event_route[{PREFIX}-mark] {{ publish("", "{MARKS}", payload, mandatory: false) }}\n'
        + "".join(routes(body, names))
    )


def routes(body: str, names: "tuple[str, ...]") -> "list[str]":
    """A route a name."""
    return [
        f'event_route[{PREFIX}-{name.replace("_", "-")}] when .State == "early" {{\n{body}}}\n'
        for name in names
    ]
