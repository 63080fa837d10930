"""The run-time validator gives the verdicts of the reference implementation, draft by draft."""

from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from kzrules.language.schema import SchemaFault, from_value, load, path_of, shape, validator
from kzrules.language.word import Kind

DRAFTS = {
    "http://json-schema.org/draft-04/schema#": jsonschema.Draft4Validator,
    "http://json-schema.org/draft-06/schema#": jsonschema.Draft6Validator,
    "http://json-schema.org/draft-07/schema#": jsonschema.Draft7Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema.Draft201909Validator,
    "https://json-schema.org/draft/2020-12/schema": jsonschema.Draft202012Validator,
}
PATH = Path("here.json")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([2**53 + 1, 2**64, -(2**70), 10**30]),
    st.floats(-4, 4, allow_nan=False).map(lambda number: round(number, 1)),
    st.sampled_from(["", "a", "ab", "sip:1001@acme.com", "1", "é", "confirmed"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "State"]), inner, max_size=3)
    ),
    max_leaves=6,
)
payloads = st.dictionaries(st.sampled_from(["a", "b", "State", "Call-ID"]), values, max_size=4)
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
simple = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(TYPES)}),
    st.fixed_dictionaries({"type": st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"enum": st.lists(scalars, min_size=1, max_size=3, unique_by=repr)}),
    st.fixed_dictionaries({"minimum": st.integers(-3, 3), "maximum": st.integers(-3, 10**30)}),
    st.fixed_dictionaries({"minLength": st.integers(0, 3), "maxLength": st.integers(0, 9)}),
    st.fixed_dictionaries({"pattern": st.sampled_from(["^a", "b$", "^sip:[0-9]+@", "[a-c]{2}", "^(a|b)+$"])}),
    st.fixed_dictionaries({"minItems": st.integers(0, 2), "uniqueItems": st.booleans()}),
    st.fixed_dictionaries({"multipleOf": st.sampled_from([1, 2, 3])}),
)
schemas = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from(["a", "b", "State"]), inner, max_size=3)},
            optional={
                "required": st.lists(
                    st.sampled_from(["a", "b", "Call-ID"]), min_size=1, max_size=2, unique=True
                ),
                "additionalProperties": st.one_of(st.booleans(), inner),
            },
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"items": inner}),
        st.fixed_dictionaries({"patternProperties": st.dictionaries(st.just("^[aS]"), inner, max_size=1)}),
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_verdicts_are_those_of_the_reference_implementation(draft):
    @settings(max_examples=150, deadline=None)
    @given(schemas, st.lists(payloads, min_size=1, max_size=4))
    def same_verdicts(content, messages):
        content = {"$schema": draft, **content}
        try:
            validate = validator(from_value(content, PATH))
        except SchemaFault:  # such as an enumeration with 0 and 0.0
            reject()
        reference = DRAFTS[draft](content)
        for message in messages:
            assert (validate(message) is None) is reference.is_valid(message), (content, message)

    same_verdicts()


def test_a_fault_says_where_and_what():
    validate = validator(from_value({"properties": {"a": {"items": {"type": "integer"}}}}, PATH))
    assert validate({"a": [1, "x"]}).startswith(".a[1]: ")
    assert validate({"a": [1]}) is None


def test_integers_beyond_64_bits_keep_their_value():
    validate = validator(from_value({"properties": {"n": {"enum": [2**70]}}}, PATH))
    assert validate({"n": 2**70}) is None
    assert validate({"n": 2**70 + 1}) is not None


def test_a_pattern_that_needs_backtracking_is_refused_at_load():
    for pattern in ("(?=a)b", r"(a)\1"):
        with pytest.raises(SchemaFault):
            validator(from_value({"properties": {"a": {"pattern": pattern}}}, PATH))


def test_a_reference_out_of_the_file_is_refused_at_load():
    with pytest.raises(SchemaFault):
        validator(from_value({"$ref": "https://example.com/other.json"}, PATH))


def test_a_reference_within_the_file_is_followed():
    content = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"state": {"enum": ["early"]}},
        "properties": {"State": {"$ref": "#/definitions/state"}},
    }
    validate = validator(from_value(content, PATH))
    assert validate({"State": "early"}) is None
    assert validate({"State": "late"}) is not None


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"type": "strin"}, "type"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "draft-04"),
        ({"$schema": "https://example.com/mine"}, "draft-04"),
        ([], "no schema"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_reason(content, part):
    with pytest.raises(SchemaFault, match=part):
        from_value(content, PATH)


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path):
    with pytest.raises(SchemaFault, match="No such file"):
        load(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(SchemaFault, match="not JSON"):
        load(tmp_path / "broken.json")


def test_a_schema_lies_beside_the_rule_file():
    assert path_of("rules/presence/lamps.kzr", "dialog_update.json") == Path(
        "rules/presence/dialog_update.json"
    )


def test_the_shape_tells_kinds_fields_and_enumerations():
    content = {
        "required": ["State"],
        "properties": {
            "State": {"type": "string", "enum": ["early"]},
            "Tags": {"items": {"type": "integer"}},
        },
    }
    found = shape(from_value(content, PATH))
    assert found.required == {"State"}
    assert found.fields["State"].values == ("early",)
    assert found.fields["State"].kinds == {Kind.TEXT}
    assert found.fields["Tags"].items.kinds == {Kind.INTEGER, Kind.DECIMAL}
    assert found.named
