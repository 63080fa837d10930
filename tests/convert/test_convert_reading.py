"""Preprocessing, reading and translating, construct by construct."""

import pytest

from kzrules.convert.convert import NothingToConvertError, convert
from kzrules.convert.place import UnreadableError
from kzrules.convert.pseudo import Pseudo, Transformation, parts, whole

ROUTE = "event_route[kazoo:consumer-event] {{ {} }}"


@pytest.fixture
def rules(tmp_path):
    """The rules of a configuration's text; further files by their names."""

    def made(text, given=None, **files):
        for name, inner in files.items():
            (tmp_path / f"{name}.cfg").write_text(inner)
        (tmp_path / "main.cfg").write_text(text)
        return convert(tmp_path / "main.cfg", given).files["main.kzr"]

    return made


@pytest.fixture
def body(rules):
    """The statements that one route's statements become."""

    def made(text, before=""):
        found = rules(f"{before}\n{ROUTE.format(text)}").split("event_route[kazoo:consumer-event] {", 1)[1]
        return [line.strip() for line in found.strip().removesuffix("}").strip().split("\n") if line.strip()]

    return made


def wrong(rules, text, **files):
    with pytest.raises(UnreadableError) as caught:
        rules(text, **files)
    return str(caught.value)


# --- preprocessor


def test_definitions_stand_for_words_and_substitutions_work_in_texts(rules):
    made = rules(
        '#!define LEVEL L_WARN\n#!substdef "!PLACE!here!g"\n' + ROUTE.format('xlog(LEVEL, "in PLACE\\n");')
    )
    assert 'warn("in here")' in made


def test_a_definition_may_go_on_behind_a_backslash_and_be_made_of_others(rules):
    made = rules('#!define ONE L_INFO\n#!define BOTH ONE, \\\n "x"\n' + ROUTE.format("xlog(BOTH);"))
    assert 'info("x")' in made


def test_branches_depend_on_what_is_defined(rules):
    text = "#!ifdef A\n{}\n#!else\n{}\n#!endif\n".format(
        *(ROUTE.format(f'xlog("L_INFO", "{word}");') for word in ("yes", "no"))
    )
    assert 'info("no")' in rules(text)
    assert 'info("yes")' in rules(text, {"A": ""})
    assert 'info("yes")' in rules("#!define A\n" + text)
    assert 'info("no")' in rules(
        "#!define A\n#!ifndef A\n#!define B\n#!endif\n" + text.replace("ifdef A", "ifdef B")
    )


def test_a_trial_definition_does_not_overrule(rules):
    made = rules("#!define L L_WARN\n#!trydef L L_ERR\n" + ROUTE.format('xlog(L, "x");'))
    assert 'warn("x")' in made


def test_the_command_line_goes_before_the_file(rules):
    assert 'error("x")' in rules("#!define L L_WARN\n" + ROUTE.format('xlog(L, "x");'), {"L": "L_ERR"})


def test_included_files_are_read_in_their_place(rules):
    made = rules('include_file "part.cfg"\n' + ROUTE.format("xlog(L);"), part='#!define L "L_INFO", "y"\n')
    assert 'info("y")' in made


def test_a_file_that_must_be_there_and_is_not_is_named(rules):
    assert 'main.cfg:1:1: there is no file "' in wrong(rules, 'include_file "gone.cfg"')


def test_a_file_that_includes_itself_is_named(rules):
    assert "includes itself" in wrong(rules, 'include_file "main.cfg"')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!ifdef A\n", "never closed: write `#!endif`"),
        ("#!else\n", "without an `#!ifdef`"),
        ("#!subst x\n", "a substitution is written as"),
        ('#!subst "/(/x/"\n', "this pattern cannot be read"),
        ("#!ifexp A == 1\n#!endif\n", "`#!ifexp` is not read here"),
        ("#!defenv HOME\n", "--define HOME=VALUE"),
        ("#!define A A\nx = A\n", "defined by itself"),
    ],
)
def test_a_wrong_directive_is_pointed_at(rules, text, said):
    assert said in wrong(rules, text)


# --- reading


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("if ($var(x) == 1 { exit; }", 1, "expected `)`, and here is `{`"),
        ('xlog("L_INFO", "x")\n exit;', 2, "a `;` is missing before `exit`"),
        ('xlog("L_INFO", "x);', 1, 'never closed: a " is missing'),
        ("/* for ever", 1, "this comment is never closed"),
        ("$var(x = 1;", 1, "this variable is never closed"),
        ("exit", 1, None),
        ("$var(x) 1;", 1, "is set with `=`"),
        ("12;", 1, "no statement begins with `12`"),
        ("if (1) {", 1, "a `}` is missing"),
        ("switch (1) { exit; }", 1, "a switch holds `case` and `default`"),
        ('xlog("a" "b" ] );', 1, "parts the arguments"),
    ],
)
def test_what_cannot_be_read_is_pointed_at(rules, text, line, said):
    whole_text = f"event_route[kazoo:consumer-event] {{ {text} }}"
    if said is None:
        rules(whole_text)
        return
    shown = wrong(rules, whole_text)
    assert said in shown
    place, source, caret = shown.split("\n")
    assert f"main.cfg:{line}:" in place
    assert source.startswith(f"{line} | ")
    assert caret.strip() in ("| ^", "^") or caret.endswith("^")


def test_a_configuration_without_kazoo_is_told(rules):
    with pytest.raises(NothingToConvertError, match="there is no event_route"):
        rules("request_route { exit; }")


def test_routes_in_a_circle_are_told(rules):
    text = "route[A] { route(B); }\nroute[B] { route(A); }\n" + ROUTE.format("route(A);")
    assert "in a circle: A -> B -> A" in wrong(rules, text)


def test_pseudo_variables_are_taken_apart():
    text = "$(kzE{kz.json,From}{s.tolower})"
    steps = (Transformation("kz.json", "From"), Transformation("s.tolower"))
    assert Pseudo("kzE", None, None, steps, text) == whole(text)
    assert Pseudo("avp", "keys", "$var(i)", (), "$(avp(keys)[$var(i)])") == whole("$(avp(keys)[$var(i)])")
    assert ["cost $5, ", "$var(x)", "$"] == [getattr(one, "text", one) for one in parts("cost $5, $var(x)$$")]


# --- translating


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('$(kzE{kz.json,A}) == "x"', '.A == "x"'),
        ('$(kzE{kz.json,A}) == ""', '.A ?? "" == ""'),
        ("$(kzE{kz.json,A}) == $null", ".A == null"),
        ('$(kzE{kz.json,A}) == "true"', '.A in [true, "true"]'),
        ('$(kzE{kz.json,A}) == "5"', '.A in [5, "5"]'),
        ("$(kzE{kz.json,A}) == 5", '.A in [5, "5"]'),
        ("$(kzE{kz.json,A}) > 5", "int(.A ?? 0, default: 0) > 5"),
        ('!($(kzE{kz.json,A}) == "x")', '.A != "x"'),
        ('$(kzE{kz.json,A}) =~ "^a.c"', "text(.A) matches /(?i)^a.c/"),
        ('$(kzE{kz.json,A}) !~ "b"', "not text(.A) matches /(?i)b/"),
        ('$(kzE{kz.json,A}) =~ "^x-$(kzE{kz.json,B})"', 'starts_with(text(.A), "x-{.B}")'),
        ("$(kzE{kz.json,A}) == $(kzE{kz.json,B})", "text(.A) == text(.B)"),
        (
            '$(kzE{kz.json,A}) == "x" || $(kzE{kz.json,B}) == "y" && $(kzE{kz.json,C}) == "z"',
            '.A == "x" or .B == "y" and .C == "z"',
        ),
        ("$(kzE{kz.json,A}{s.len}) < 3", "len(text(.A)) < 3"),
        ("strempty($(kzE{kz.json,A}))", '.A ?? "" == ""'),
        ("defined $(kzE{kz.json,A})", ".A != null"),
        ("$(kzE{kz.json,A})", "int(.A ?? 0, default: 0) != 0"),
        ('$(kzE{kz.json,a.b%c[1].d}) == "x"', '.a."b.c"[1].d == "x"'),
        ('$(kzE{kz.json,a[0][1]}) == "x"', '.a[0] == "x"'),
        ('$(kzE{kz.json,a[1}) == "x"', '.a[1] == "x"'),
        ('$(kzE{kz.json,$(kzE{kz.json,P})}) == "x"', 'kz_json(received, text(.P)) == "x"'),
    ],
)  # fmt: skip
def test_a_condition_asks_what_it_asked(body, condition, expected):
    assert f"if {expected} {{ done }}" == body(f'if ({condition}) {{ exit; }} xlog("L_INFO", "x");')[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'{\"a\": \"$(kzE{kz.json,A})\"}'", '{ "a": "{.A}" }'),
        ("$_s({'a': $(kzE{kz.json,A}), 'b': [1, 2.5, true, null,],})", '{ "a": .A, "b": [1, 2.5, true, null] }'),  # noqa: E501  one text
        ("\"{'a': '\" + $(kzE{kz.json,A}) + \"'}\"", '{ "a": "{.A}" }'),
        ("\"{'$(kzE{kz.json,K})': 1}\"", '{ "{.K}": 1 }'),
        ("$_s({\"a\": \"$(kzE{kz.json,A}{s.escape.common}{s.replace,',}{s.replace,$$,})\"})", '{ "a": "{.A}" }'),  # noqa: E501  one text
        ("$kzE", "received"),
    ],
)  # fmt: skip
def test_glued_json_is_a_value(body, value, expected):
    made = body(f'$var(p) = {value}; kazoo_publish("e", "k", $var(p));')
    assert [f"let p = {expected}", 'publish("e", "k", p, mandatory: false)'] == made


def test_numbers_are_added_and_texts_are_put_together(body):
    made = body(
        '$var(i) = 1; $var(i) = $var(i) + 2; $var(s) = $(kzE{kz.json,N}) + 1; $var(t) = "a" + $var(i);'
        ' xlog("L_INFO", "$var(i) $var(s) $var(t)");'
    )
    assert ["let i = 1", "i = i + 2", 'let s = "{.N}1"', 'let t = "a{i}"'] == made[:4]


def test_a_variable_of_a_subroutine_is_its_parameter_and_its_result(rules):
    made = rules(
        ROUTE.format('$var(x) = "a"; route(R); xlog("L_INFO", "$var(y) $var(z)");')
        + '\nroute[R] { $var(y) = $var(x) + "b"; $var(z) = "c"; $var(unused) = 1; }'
    )
    assert "let result = r(x)" in made
    assert "route r(x) {" in made
    assert 'return { "y": y, "z": z }' in made
    assert "unused" not in made


def test_a_return_code_that_is_asked_for_is_a_truth_value(rules):
    made = rules(
        ROUTE.format('if (route(R)) xlog("L_INFO", "yes"); if (!route(R)) exit; xlog("L_INFO", "on");')
        + '\nroute[R] { if ($(kzE{kz.json,A}) == "x") return -1; return 1; }'
    )
    assert "return false" in made
    assert "return true" in made


def test_what_a_condition_does_happens_only_when_it_is_asked(body):
    made = body('if ($(kzE{kz.json,A}) == "x" && kazoo_query("e", "k", $kzE)) { xlog("L_INFO", "y"); }')
    assert "let holds = false" == made[0]
    assert 'if .A == "x" {' == made[1]
    assert made[2].startswith('let answer = query("e", "k", received, timeout: 2s) else')
    assert "if holds {" in made


def test_a_leak_is_marked(rules):
    made = rules(ROUTE.format('xlog("L_INFO", "$var(old)");'))
    assert "# kz gap: leak: `$var(old)` is read before it is set" in made


def test_a_subscription_has_the_modules_defaults_written_out(rules):
    text = "{'exchange': 'e', 'type': 'topic', 'queue': 'q', 'durable': 1}"
    made = rules(f'event_route[kazoo:mod-init] {{ kazoo_subscribe("{text}"); }}')
    assert 'exchange "e" { type: topic, durable: true }' in made
    assert 'queue "q" { type: classic, durable: true, auto_delete: true, exclusive: false }' in made


def test_an_exchange_without_a_type_is_a_gap(rules):
    made = rules('event_route[kazoo:mod-init] { kazoo_subscribe(\'{"exchange": "e", "queue": "q"}\'); }')
    assert "# kz gap: subscription: the exchange has no type" in made


def test_a_name_that_only_run_time_knows_is_a_gap(rules):
    made = rules('event_route[kazoo:mod-init] { kazoo_subscribe("$var(unknown)"); }')
    assert "subscribe" not in made.split("\n", 3)[3].split("kz gap")[0]


def test_an_object_in_pieces_is_made_of_fields(body):
    made = body(
        """$var(m) = "{'a': 1";
        if ($(kzE{kz.json,B}) != "") $var(m) = $var(m) + ", 'b': '$(kzE{kz.json,B})'";
        $var(m) = $var(m) + "}";
        kazoo_publish("e", "k", $var(m));"""
    )
    assert 'let m = { "a": 1 }' == made[0]
    assert 'm = m with { "b": "{.B}" }' in made
    assert 'publish("e", "k", m, mandatory: false)' == made[-1]


def test_json_that_is_no_object_in_pieces_is_read_when_it_is_sent_and_marked(body):
    made = body(
        """$var(m) = "{'a': [";
        if ($(kzE{kz.json,B}) != "") $var(m) = $var(m) + "1";
        $var(m) = $var(m) + "]}";
        kazoo_publish("e", "k", $var(m));"""
    )
    assert (
        "# kz gap: json text: this message is put together as text, and read as JSON when it is sent" in made
    )
    assert 'publish("e", "k", parse_json(m), mandatory: false)' == made[-1]


def test_a_sip_route_that_cannot_be_read_is_left_alone(rules):
    text = "request_route { if (method is what) [ } }\nroute[SIP] { if (src_ip == 10.0.0.1) exit; ] }\n"
    assert 'info("x")' in rules(text.replace("} }", "}") + ROUTE.format('xlog("L_INFO", "x");'))


def test_a_route_that_rules_need_and_that_cannot_be_read_is_pointed_at(rules):
    assert "main.cfg:2:" in wrong(rules, ROUTE.format("route(R);") + "\nroute[R] { if ] }")


def test_an_address_is_a_text(body):
    assert (
        'if .From == "10.0.0.1" { done }' == body('if ($(kzE{kz.json,From}) == 10.0.0.1) exit; xlog("x");')[0]
    )
