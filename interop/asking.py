"""Questions both ways, a thousand each, mixed with late and second answers.

Kamailio asks out of SIP requests that SIPp sends, by `kazoo_query` (three arguments, a bare
variable: the one form that 5.6.3 runs) and by `kazoo_async_query`; our rules answer by `reply`. Our
rules ask, and an event route of Kamailio answers by publishing to `targeted` with the `Server-ID`.
"""

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from interop import differences
from interop.bus import Bus, Heard
from interop.scene import Result, Scene
from testbed import Node, sipp

CONFIGURATION = """
event_route[kazoo:mod-init] { kazoo_subscribe("there", "topic", "there-kamailio", "#"); }

# Asked by SIP: the answer's own word goes back as the reason of the reply.
request_route {
    $var(payload) = "{\\"Event-Category\\": \\"question\\", \\"Event-Name\\": \\"here\\", \\"Ask\\": \\"" + $rU + "-" + $hdr(X-Number) + "\\"}";
    if ($rU == "sync") {
        $var(result) = "timeout";
        if (kazoo_query("here", "question", $var(payload))) {
            $var(result) = $(kzR{kz.json,Answer});
        }
        sl_send_reply("200", "$var(result)");
        exit;
    }
    t_newtran();
    kazoo_async_query("here", "question", "$var(payload)", "ANSWERED", "UNANSWERED");
}
onreply_route[ANSWERED] { t_reply("200", "$(kzR{kz.json,Answer})"); }
failure_route[UNANSWERED] { t_reply("200", "timeout"); }

# Answers that Kamailio no longer waits for come as events.
event_route[kazoo:consumer-event-answer-there] {
    kazoo_publish("seen", "stray.kamailio", "{\\"Ask\\": \\"$(kzE{kz.json,Ask})\\"}");
}

# Asked by our rules.
event_route[kazoo:consumer-event-question-there] {
    $var(mode) = $(kzE{kz.json,Mode});
    if ($var(mode) == "late") usleep("900000");
    route(ANSWER);
    if ($var(mode) == "double") route(ANSWER);
}
route[ANSWER] {
    kazoo_publish("targeted", "$(kzE{kz.json,Server-ID})", "{\\"Event-Category\\": \\"answer\\", \\"Event-Name\\": \\"here\\", \\"Msg-ID\\": \\"$(kzE{kz.json,Msg-ID})\\", \\"Answer\\": $(kzE{kz.json,N})}");
}
"""  # noqa: E501  a string of Kamailio's ends on its line

RULES = """
subscribe here { exchange "here" { type: topic } queue "here-kzrules" { } routing: "question" }
subscribe start { exchange "start" { type: topic } queue "start-kzrules" { } routing: "#" prefetch: 400 }

event_route[kazoo:consumer-event-question-here] {
    let answer = { "Event-Category": "answer", "Event-Name": "there", "Answer": .Ask, "Ask": .Ask }
    let turn = int(after_text(.Ask, "-")) % 20
    if turn == 0 { done("the harness answers, too late") }
    if turn < 3 { reply(answer with { "Answer": .Ask, "Turn": "first" }, last: false) }
    reply(answer)
}

event_route[kazoo:consumer-event-start-asking] {
    let own = if .Own then "own-{.N}" else ""
    let wait = if .Mode == "late" then 400ms else 30s
    let answer = query("there", "question", {
        "Event-Category": "question", "Event-Name": "there", "N": .N, "Mode": .Mode, "Msg-ID": own
    }, timeout: wait) else (why) {
        publish("seen", "ours", { "N": .N, "Got": why })
        done
    }
    publish("seen", "ours", { "N": .N, "Got": answer.Answer, "Same": own == "" or own == answer.Msg-ID })
}
event_route[kazoo:consumer-event-answer-here] {
    publish("seen", "stray.kzrules", { "N": .Answer })
}
"""

# Nothing is sent again: a question that waits for its worker would be asked twice.
SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="a question">
  <send><![CDATA[
    OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 OPTIONS
    X-Number: [call_number]
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="200" timeout="20000">
    <action>
      <ereg regexp="SIP/2.0 200 ([a-z0-9-]*)" search_in="msg" check_it="true" assign_to="line,result"/>
      <log message="[call_number] [$result]"/>
    </action>
  </recv>
  <Reference variables="line"/>
</scenario>
"""
TIMEOUT = 1.0
"""Seconds, `amqp_query_timeout_sec` of the configuration."""
LATE_AFTER = 1.6
"""Seconds until the harness answers what our rule left alone: Kamailio waits for one second."""


def run(node: Node, scale: float) -> Result:
    """All three at once would hide who was slow: one after the other."""
    result = Result("questions and answers")
    many = max(40, int(1_000 * scale))
    with Scene(node) as scene:
        for name in ("here", "there", "start", "seen"):
            scene.bus.exchange(name)
        kamailio = scene.kamailio(CONFIGURATION, ["there-kamailio"], workers=8, children=8)
        queues = ["here-kzrules", "start-kzrules"]
        scene.service(RULES, queues, broker="late_answers: event")
        for kind in ("sync", "async"):
            _asked_by_kamailio(scene.bus, result, kamailio.sip_port, kind, many)
        _asked_by_us(scene.bus, result, many)
    return result


def _asked_by_kamailio(bus: Bus, result: Result, port: int, kind: str, many: int) -> None:
    questions, strays = bus.hear("here", "question"), bus.hear("seen", "stray.kamailio")
    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(
            sipp.run, port, scenario=SCENARIO, service=kind, calls=many, rate=100, at_once=400, timeout=60
        )
        _answer_late(bus, questions, playing)
        calls = playing.result()
    numbers = range(1, many + 1)
    late, double = sum(n % 20 == 0 for n in numbers), sum(n % 20 in (1, 2) for n in numbers)
    given_up = {f"{kind}-{n}" for n in numbers if n % 20 == 0}
    bus.wait(lambda: given_up <= {one.payload["Ask"] for one in strays}, f"the late answers ({kind})")
    bus.rest(0.3)
    got = dict(line.split(maxsplit=1) for line in calls.logged)
    expected = {str(n): f"{kind}-{n}" if n % 20 else "timeout" for n in numbers}
    missed = _missed_by_kamailio(questions, strays)
    for number, answer in expected.items():
        if not (f"{kind}-{number}" in missed and got.get(number) == "timeout"):
            result.expect(f"{kind}: the answer to {number}", answer, got.get(number))
    result.expect(f"{kind}: failed calls", 0, calls.failed)
    told = Counter(one.payload["Ask"] for one in strays)
    wanted = Counter([*(f"{kind}-{n}" for n in numbers if n % 20 in (0, 1, 2)), *missed])
    result.expect_all(f"{kind}: late and second answers in Kamailio's event route", wanted, told)
    result.counted |= {f"{kind}_asked": many, f"{kind}_late": late, f"{kind}_double": double}
    if missed:
        result.explained[differences.QUICK.name] += len(missed)


def _missed_by_kamailio(questions: list[Heard], strays: list[Heard]) -> set[str]:
    """Answers that came in time, and before the module had registered their question: see QUICK."""
    asked = {one.payload["Ask"]: one.at for one in questions}
    came: dict[str, list[float]] = {}
    for one in strays:
        came.setdefault(one.payload["Ask"], []).append(one.at - asked[one.payload["Ask"]])
    sent = {ask: {0: 0, 1: 2, 2: 2}.get(int(ask.partition("-")[2]) % 20, 1) for ask in came}
    return {ask for ask, after in came.items() if len(after) == sent[ask] and max(after) < TIMEOUT}


def _answer_late(bus: Bus, questions: list[Heard], playing: "Future[sipp.Calls]") -> None:
    """Answer every twentieth question when its asker has given up."""
    due: list[tuple[float, dict[str, Any]]] = []
    seen = 0
    while due or not playing.done():
        bus.rest(0.02)
        now = time.monotonic()
        came = [one.payload for one in questions[seen:]]
        left_alone = [one for one in came if int(one["Ask"].partition("-")[2]) % 20 == 0]
        due.extend((now + LATE_AFTER, one) for one in left_alone)
        seen = len(questions)
        while due and due[0][0] <= now:
            asked = due.pop(0)[1]
            named = {"Event-Category": "answer", "Event-Name": "there", "Ask": asked["Ask"]}
            bus.publish("targeted", asked["Server-ID"], {**named, "Msg-ID": asked["Msg-ID"]})


def _asked_by_us(bus: Bus, result: Result, many: int) -> None:
    answers, strays = bus.hear("seen", "ours"), bus.hear("seen", "stray.kzrules")
    modes = {n: {0: "late", 1: "double"}.get(n % 20, "once") for n in range(many)}
    base = {"Event-Category": "start", "Event-Name": "asking"}
    for number, mode in modes.items():
        bus.publish("start", "x", {**base, "N": number, "Mode": mode, "Own": number % 3 == 0})
    late, double = (sum(mode == which for mode in modes.values()) for which in ("late", "double"))
    bus.wait(lambda: len(answers) >= many, f"{many} answers to our questions", 120)
    bus.wait(lambda: len(strays) >= late + double, "late and second answers to us")
    bus.rest(0.3)
    got = Counter((one.payload["N"], one.payload["Got"]) for one in answers)
    wanted = Counter((n, "timeout" if mode == "late" else n) for n, mode in modes.items())
    result.expect_all("answers to our questions", wanted, got)
    result.check("our own Msg-IDs", all(one.payload.get("Same", True) for one in answers))
    told = Counter(one.payload["N"] for one in strays)
    result.expect_all("strays", Counter(n for n, mode in modes.items() if mode != "once"), told)
    result.counted |= {"ours_asked": many, "ours_late": late, "ours_double": double}
