"""The kazoo module's own five steps, exactly."""

import pytest

from kzrules.routing.name import five_names, found, lowered

LAST = [
    "kazoo:consumer-event-event-category-event-name",
    "kazoo:consumer-event-event-category",
    "kazoo:consumer-event",
]


@pytest.mark.parametrize(
    ("payload", "first"),
    [
        (
            {"Event-Category": "presence", "Event-Name": "dialog_update"},
            ["kazoo:consumer-event-presence-dialog-update", "kazoo:consumer-event-presence"],
        ),
        ({"Event-Category": "presence"}, ["kazoo:consumer-event-presence-", "kazoo:consumer-event-presence"]),
        (
            {"Event-Category": "presence", "Event-Name": None},
            ["kazoo:consumer-event-presence-", "kazoo:consumer-event-presence"],
        ),
        ({}, ["kazoo:consumer-event--", "kazoo:consumer-event-"]),
        (
            {"Event-Category": "jwt.keys", "Event-Name": "reload"},
            ["kazoo:consumer-event-jwt.keys-reload", "kazoo:consumer-event-jwt.keys"],
        ),
        (
            {"Event-Category": True, "Event-Name": 10},
            ["kazoo:consumer-event-true-10", "kazoo:consumer-event-true"],
        ),
        (
            {"Event-Category": {"a": [1]}, "Event-Name": "É_X"},
            ['kazoo:consumer-event-{ "a": [ 1 ] }-É-x', 'kazoo:consumer-event-{ "a": [ 1 ] }'],
        ),
    ],
)
def test_the_names_of_a_payload_with_the_default_keys(payload, first):
    assert [*first, *LAST] == five_names(payload, None, None)


def test_a_subscriptions_own_key_stands_for_a_missing_field():
    assert [
        "kazoo:consumer-event-type-x",
        "kazoo:consumer-event-type",
        "kazoo:consumer-event-type-event-name",
        "kazoo:consumer-event-type",
        "kazoo:consumer-event",
    ] == five_names({"Event-Name": "x"}, "Type", None)


def test_only_ascii_is_lowered():
    assert "é-É-k" == lowered("é_É-K")


def test_names_of_the_service_itself_cannot_be_reached_from_the_bus():
    names = [
        "kazoo:mod-init",
        "kazoo:consumer-event-connection-open",
        "kazoo:consumer-event-connection-closed",
        None,
        "kazoo:consumer-event",
        "kazoo:consumer-event",
    ]
    assert ("kazoo:consumer-event",) == found(names, {}).names
