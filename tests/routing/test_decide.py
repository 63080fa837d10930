"""What a rule did, and how its event ends: through parser, compiler and book."""

import json
import traceback

import pytest
from rules_by_text import NOW, answered, body_of, stage, unanswered

from kzrules.message.action import After, Publish, Reply
from kzrules.message.outcome import Ack, Cause, Place, Reject, Retry

ROUTE = "event_route[kazoo:consumer-event] {{ {} }}"


def rule(body, *more, payload=None, **named):
    return stage(ROUTE.format(body) + "\n" + "\n".join(more), **named).run(payload or {})


def text_of(expression, payload=None, *more):
    """What an expression gives, as the log shows it; or why it fails."""
    step = rule(f"info({expression})", *more, payload=payload)
    return step.logs[0].text if isinstance(step.outcome, Ack) else f"! {step.outcome.why}"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("1 + 2 * 3", "7"),
        ("7 / 2", "3.5"),
        ("6 / 2", "3"),
        ("-.N", "-5"),
        ('"{.T} is {.N}{.None}"', "x is 5"),
        ('"{{}}"', "{}"),
        (".O.a", "1"),
        (".O.b.c.d", ""),
        (".L[1]", "20"),
        (".L[7]", ""),
        (".L[0 - 1]", ""),
        ('.["T"]', "x"),
        ('."odd key"', "odd"),
        (".None ?? .T", "x"),
        ('payload with { "N": 6 }.N', None),
        ('{ ...(.O), "z": 1 }', '{"a":1,"z":1}'),
        ("[0, ...(.L)]", "[0,10,20]"),
        ('if .N == 5 then "five" else "other"', "five"),
        ("true == 1", "false"),
        ("1 == 1.0", "true"),
        (".One == 1", "false"),
        (".One == true", "true"),
        ('.N == 5 and not (.T == "y")', "true"),
        ('.T in ["a", "x"]', "true"),
        ('.N in ["a", "b", "c", "d", "e"]', "false"),
        ('.O in [{ "a": 1.0 }]', "true"),
        (".T matches /^x$/", "true"),
        (".None matches /x/", "false"),
        (".N * 2s", "10s"),
        ("5m", "5m"),
        ('lower("ABC")', "abc"),
        ("len(.L)", "2"),
        ('key("BLF", node)', "BLF.sip%2Eexample%2Ecom"),
        ('key("BLF", .None)', "! segment 2 of the routing key is missing"),
        (".T + 1", "! `+` needs two numbers, and here are text and an integer"),
        (".T < 1", "! `<` needs two numbers or two texts, and here are text and an integer"),
        (".None > 0", "! `>` needs two numbers or two texts, and here are null and an integer"),
        (".N matches /5/", "! `matches` needs text on its left side"),
        ("1 / 0", "! `/` by zero"),
        ("not .T", "! a condition is true or false, and this is text"),
        (".T in .N", "! `in` needs a list on its right side"),
        ("meta.routing_key", "a.b"),
        ("meta.exchange", "events"),
        ("meta.attempt", "1"),
        ("meta.redelivered", "false"),
        ("meta.zone", "local"),
        ("meta.subscription", "events"),
        ("meta.nothing", ""),
        (".Msg-ID", "m1"),
        ("payload.Msg-ID", ""),
        ("payload.N", "5"),
        ("received.Msg-ID", "m1"),
        (".AMQP-Broker-Zone", "local"),
        (".Server-ID", "consumer://7/s@h"),
    ],
)  # fmt: skip
def test_an_expression_gives(expression, text):
    payload = {
        "N": 5, "T": "x", "O": {"a": 1}, "L": [10, 20], "odd key": "odd", "One": True,
        "Msg-ID": "m1", "Server-ID": "s@h",
    }  # fmt: skip
    if text is None:
        expression, text = '(payload with { "N": 6 }).N', "6"
    got = text_of(expression, payload)
    assert got.startswith(text) if text.startswith("!") else got == text


def test_running_off_the_end_is_done():
    assert Ack() == rule("").outcome


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ("done", Ack()),
        ('done("why")', Ack("why")),
        ('retry("{.A}")', Retry("1", Place("rules.kzr", 7))),
        ('reject("no")', Reject("no", Cause.RULE, Place("rules.kzr", 7))),
    ],
)
def test_an_event_ends_as_the_rule_says(statement, outcome):
    assert outcome == rule(f'{statement} publish("x", "y", {{}})', payload={"A": 1}).outcome
    inside = rule("sub(1)", f"route sub(a) {{ {statement} }}", payload={"A": 1})
    assert type(outcome) is type(inside.outcome)
    assert outcome.why == inside.outcome.why


def test_a_rule_that_retries_leaves_nothing_but_its_logs_and_counts():
    play = stage(
        "table t { }\n"
        + ROUTE.format('publish("x", "y", {}) t["a"] = 1 increment(t["n"]) info("said") retry("later")')
    )
    step = play.run({})
    assert ((), ["said"]) == (step.actions, [log.text for log in step.logs])
    assert {"n": 1} == play.table("t")


def test_a_rule_that_fails_leaves_nothing_and_tells_its_line():
    play = stage('table t { }\nevent_route[kazoo:consumer-event] {\n    t["a"] = 1\n    info(.A + 1)\n}')
    step = play.run({"A": "x"})
    assert Place("rules.kzr", 10) == step.outcome.place
    assert Cause.ERROR is step.outcome.cause
    assert "rules.kzr:10: info(.A + 1)" in step.logs[-1].text
    assert {} == play.table("t")


def test_a_traceback_quotes_the_line_of_the_rule():
    play = stage("event_route[kazoo:consumer-event] {\n    let b = .A + 1\n}", path="quoted.kzr")
    event = play.event({"A": "x"})
    route = play.book.program.routes["kazoo:consumer-event"][0]
    with pytest.raises(Exception, match="needs two numbers") as raised:
        route.body(None, event.received)
    shown = "".join(traceback.format_exception(raised.value))
    assert 'File "quoted.kzr", line 8, in event_route[kazoo:consumer-event]' in shown
    assert "    let b = .A + 1\n" in shown


def test_its_own_writes_are_seen_at_once_and_kept_at_the_end():
    play = stage(
        "table t { default: 0 }\n"
        + ROUTE.format(
            't["a"] = 1 t["b"] = t["a"] + 1 delete t["c"] info("{t["a"]}{t["b"]}{t["c"]}")'.replace(
                '{t["a"]}{t["b"]}{t["c"]}', "{t[.a]}{t[.b]}{t[.c]}"
            )
        )
    )
    play.book.tables["t"].write("c", 9, NOW)
    assert "120" == play.run({"a": "a", "b": "b", "c": "c"}).logs[0].text
    assert {"a": 1, "b": 2} == play.table("t")


def test_delete_where_takes_what_fits():
    play = stage("table t { }\n" + ROUTE.format('t["own"] = 2 delete t where key matches /^a/ or value == 2'))
    for key, value in (("a1", 1), ("b", 1), ("a2", 3)):
        play.book.tables["t"].write(key, value, NOW)
    play.run({})
    assert {"b": 1} == play.table("t")


def test_delete_where_looks_at_the_parts_of_a_key_and_forgets_nothing_when_it_fails():
    play = stage("table t { }\n" + ROUTE.format("delete t where key[1] matches /^a/"))
    for key in (["u", "a.com"], ["u", "b.com"], "a.com"):
        play.book.tables["t"].write(key, 1, NOW)
    play.run({})
    assert {"['u', 'b.com']": 1, "a.com": 1} == play.table("t")
    play = stage("table t { }\n" + ROUTE.format("delete t where key matches /a/"))
    for key in ("a.com", ["u", "a.com"]):
        play.book.tables["t"].write(key, 1, NOW)
    assert "`matches` needs text on its left side, and this is a list" == play.run({}).outcome.why
    assert {"a.com": 1, "['u', 'a.com']": 1} == play.table("t")


def test_a_key_may_be_a_list_and_an_entry_may_last_its_own_time():
    play = stage("table t { ttl: 1h }\n" + ROUTE.format("t[[.U, .R]] = true lasting 5s"))
    play.run({"U": "u", "R": "r"})
    assert {"['u', 'r']": True} == play.table("t", NOW + 4)
    assert {} == play.table("t", NOW + 5)


def test_a_null_key_is_read_as_missing_and_never_written():
    play = stage("table t { default: 3 }\n" + ROUTE.format("info(t[.Nobody]) t[.Nobody] = 1"))
    step = play.run({})
    assert "3" == step.logs[0].text
    assert "the key of an entry of t is null" == step.outcome.why


def test_increment_counts_over_its_own_write():
    play = stage(
        "table t { }\n" + ROUTE.format('t["a"] = 5 info(increment(t["a"], 2)) info(increment(t["b"]))')
    )
    assert ["7", "1"] == [log.text for log in play.run({}).logs]
    assert {"a": 7, "b": 1} == play.table("t")


def test_variables_live_in_their_block():
    step = rule('let a = 1 let b = 0 if true { let a = 2 b = a } info("{a} {b}")')
    assert "1 2" == step.logs[0].text


def test_a_variable_may_have_any_name_that_the_compiler_uses_itself():
    step = rule(
        'let run = 1 let text = 2 let equal = [run] let str = equal == [1] info("{run}{text}{str}{.a}")'
    )
    assert "12true" == step.logs[0].text


def test_loops_over_lists_and_objects():
    step = rule(
        'for v in .L { info(v) } for k, v in .O { info("{k}={v}") }', payload={"L": [1, 2], "O": {"a": 3}}
    )
    assert ["1", "2", "a=3"] == [log.text for log in step.logs]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "first"), ("b", "first"), (1, "one"), (True, "other"), (None, "other")]
)
def test_match_takes_the_first_arm_that_fits(value, text):
    step = rule(
        'match .A { "a", "b" => { info("first") } 1 => { info("one") } else => { info("other") } }',
        payload={"A": value},
    )
    assert text == step.logs[0].text


def test_hooks_run_in_the_order_of_the_file_and_may_end_the_event():
    step = rule(
        'emit seen(.A) info("after")',
        'on seen(a) { info("one {a}") }',
        'on seen(a) { info("two {a}") reject("enough") }',
        'on seen(a) { info("three") }',
        payload={"A": 1},
    )
    assert ["one 1", "two 1"] == [log.text for log in step.logs]
    assert "enough" == step.outcome.why


def test_a_published_message_has_a_stable_id_of_the_event():
    play = stage(
        ROUTE.format(
            'publish("x", "k", { "A": 1 }) publish("x", "k", payload, mandatory: false, persistent: false)'
        )
    )
    first, again = (play.run({"Msg-ID": "m", "B": 2}).actions for _ in range(2))
    assert [a.message_id for a in first] == [a.message_id for a in again]
    assert 2 == len({a.message_id for a in first})
    assert first[0].message_id != play.run({"Msg-ID": "other"}).actions[0].message_id
    assert [{"A": 1}, {"B": 2}] == [body_of(a) for a in first]
    assert (True, True, False, False) == (
        first[0].persistent,
        first[0].mandatory,
        first[1].persistent,
        first[1].mandatory,
    )


def test_an_event_without_an_id_keeps_the_random_one_that_was_made_up():
    play = stage(ROUTE.format('publish("x", "k", {})'))
    event = play.event({})
    first = play.book.run(event, NOW).actions[0].message_id
    assert event.random_id
    assert first == play.book.run(event, NOW).actions[0].message_id


def test_the_bodys_bytes_never_carry_what_the_arrival_put_in():
    play = stage(ROUTE.format('publish("x", "k", received)'))
    sent = json.loads(play.run({"Server-ID": "s@h", "Msg-ID": "m"}).actions[0].body)
    assert ("s@h", "m") == (sent["Server-ID"], sent["Msg-ID"])
    assert not [name for name in sent if name.startswith("AMQP")]


def test_a_reply_goes_to_the_server_id_by_the_broker_of_the_question():
    play = stage(ROUTE.format('reply({ "A": 1 })'))
    step = play.run({"Server-ID": "s@h", "Msg-ID": "m"}, correlation_id="c")
    (reply,) = step.actions
    assert isinstance(reply, Reply)
    assert ("targeted", "s@h", "c", 7) == (
        reply.exchange,
        reply.routing_key,
        reply.correlation_id,
        reply.server,
    )
    assert "m" == json.loads(reply.body)["Msg-ID"]


def test_a_reply_may_go_to_reply_to():
    (reply,) = stage(ROUTE.format("reply({})")).run({}, reply_to="amq.rabbitmq.reply").actions
    assert ("", "amq.rabbitmq.reply") == (reply.exchange, reply.routing_key)


def test_nobody_to_reply_to_is_a_failure():
    assert "nobody to reply to" in stage(ROUTE.format("reply({})")).run({}).outcome.why


def test_after_the_last_reply_there_is_no_other():
    play = stage(ROUTE.format("reply({}, last: false) reply({}) reply({})"))
    assert "has been answered" in play.run({"Server-ID": "s"}).outcome.why


ASK = """
event_route[kazoo:consumer-event] {
    t["before"] = 1
    publish("x", "k", { "n": 1 })
    let found = ask(.A)
    publish("x", "k", { "n": 2, "found": found })
}
route ask(who) {
    let answer = query("callevt", key("who", who), { "Who": who }, timeout: 5s) else (why) {
        if why == "busy" { use { "Who": "nobody" } } else { retry("no answer: {why}") }
    }
    return answer.Who ?? "?"
}
table t { }
"""


def test_a_rule_that_asks_waits_and_goes_on():
    play = stage(ASK)
    waiting = play.run({"A": "a"})
    assert ("callevt", "who.a", 5.0) == (
        waiting.query.exchange,
        waiting.query.routing_key,
        waiting.query.timeout,
    )
    assert [{"n": 1}] == [body_of(a) for a in waiting.actions]
    assert {"before": 1} == play.table("t")
    assert waiting.query.msg_id == json.loads(waiting.query.body)["Msg-ID"]
    ended = waiting.resume(answered(Who="me"), NOW + 1)
    assert [{"n": 2, "found": "me"}] == [body_of(a) for a in ended.actions]
    assert ended.actions[0].message_id != waiting.actions[0].message_id


def test_a_question_without_an_answer_does_what_else_says():
    assert "no answer: timeout" == stage(ASK).run({"A": "a"}).resume(unanswered(), NOW).outcome.why
    ended = stage(ASK).run({"A": "a"}).resume(unanswered("busy"), NOW)
    assert [{"n": 2, "found": "nobody"}] == [body_of(a) for a in ended.actions]


def test_a_question_keeps_its_own_msg_id_and_gets_one_where_it_has_none():
    asked = [stage(ROUTE.format(f'query("x", "k", {body})')).run({}).query for body in OWN_IDS]
    assert ["mine", "id1", "id1"] == [one.msg_id for one in asked]
    assert ["mine", "id1", "id1"] == [json.loads(one.body)["Msg-ID"] for one in asked]


OWN_IDS = ['{ "Msg-ID": "mine" }', '{ "Msg-ID": "" }', '{ "Msg-ID": null }']


@pytest.mark.parametrize("own", ["5", '"' + 256 * "x" + '"', "[]"])
def test_a_msg_id_that_no_answer_could_carry_is_a_failure_of_the_rule(own):
    step = rule(f'query("x", "k", {{ "Msg-ID": {own} }})')
    assert "the `Msg-ID` of a query is a text of at most 255 bytes" == step.outcome.why


@pytest.mark.parametrize(
    ("key", "went"),
    [
        ("plain", ("plain", None)),
        ("consumer://3/kamailio@h-<1>-targeted-0", ("kamailio@h-<1>-targeted-0", 3)),
        ("consumer://3/consumer://1/k", ("k", 3)),
        ("consumer://x/k", ("k", None)),
    ],
)
def test_a_key_that_names_a_broker_leads_back_through_it(key, went):
    (publish,) = rule(f'publish("targeted", "{key}", {{}})').actions
    assert went == (publish.routing_key, publish.server)


def test_an_event_waits_a_minute_in_all():
    ask = 'let {} = query("x", "k", {{}}, timeout: 50s) else {{ use {{}} }} '
    play = stage(ROUTE.format("".join(ask.format(name) for name in "abc")))
    second = play.run({}).resume(unanswered(), NOW + 50)
    assert 10.0 == second.query.timeout
    assert "waited 60 s in all" in second.resume(unanswered(), NOW + 60).outcome.why


def test_a_question_within_an_expression_can_fail_too():
    play = stage(ROUTE.format('let a = len(query("x", "k", {}).L) else (why) { use "{why}!" } info(a)'))
    assert "timeout!" == play.run({}).resume(unanswered(), NOW).logs[0].text
    assert "2" == play.run({}).resume(answered(L=[1, 2]), NOW).logs[0].text


def test_a_delayed_block_runs_later_with_what_it_saw():
    play = stage(ROUTE.format('let a = .A after 20s as LATER { info("{a} {.B}") } a = 2'))
    (after,) = play.run({"A": 1, "B": 3}).actions
    assert isinstance(after, After)
    assert ("LATER", 20.0) == (after.name, after.delay)
    assert "1 3" == after.start(NOW + 20).logs[0].text


def test_timers_expiries_and_own_events_run_and_belong_to_no_event():
    play = stage(
        """
        table t { ttl: 1m }
        every 30s { publish("x", "tick", {}) }
        on expired t(key, value) { info("{key}={value}") done info("never") }
        on expired t(key, value) { info("again") }
        event_route[kazoo:mod-init] when .A == 1 { info("ready") }
        """
    )
    (timer,) = play.book.timers
    assert 30.0 == timer.interval
    assert isinstance(play.book.run_timer(timer.name, NOW).actions[0], Publish)
    assert ["k=1", "again"] == [log.text for log in play.book.run_expired("t", "k", 1, NOW).logs]
    assert "ready" == play.book.run_own("kazoo:mod-init", {"A": 1}, NOW).logs[0].text
    assert play.book.run_own("kazoo:mod-init", {}, NOW) is None


@pytest.mark.parametrize(
    "body",
    [
        "for a in .L { for b in .L { for c in .L { for d in .L { let x = 1 } } } }",
        'let x = "xxxxxxxx" for a in .L { x = "{x}{x}" }',
        "let x = [1] for a in .L { x = [...x, ...x] }",
        "let x = [1] for a in .L { x = [x, x] } info(x)",
        "let x = [1] let y = [1] for a in .L { x = [x, x] y = [y, y] } info(x == y)",
        'let x = { "a": 1 } for a in .L { x = { "a": x, "b": x } } publish("x", "k", x)',
        "let x = 3 for a in .L { x = x * x }",
        'for a in .L { for b in .L { let y = replace(.T, "x", "yy") } }',
        "for a in .L { for b in .L { for c in .L { let y = .T matches /x+y$/ } } }",
        'for a in .L { for b in .L { for c in .L { publish("x", "k", payload) } } }',
    ],
)
def test_nothing_that_a_rule_says_hangs_or_grows_without_end(body):
    step = rule(body, payload={"L": list(range(100)), "T": "x" * 10_000})
    assert Cause.ERROR is step.outcome.cause
    assert "Error" not in step.outcome.why


def test_log_lines_of_one_event_are_bounded_and_the_rest_is_counted():
    step = rule('for a in .L { info("line") }', payload={"L": [0] * 1500})
    assert 1001 == len(step.logs)
    assert "500 further lines" in step.logs[-1].text
