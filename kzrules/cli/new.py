"""`kzrules new PATH`: a first rule file with a test, to be changed into one's own."""

import re
import sys
from pathlib import Path

import click

from kzrules.cli.report import shown
from kzrules.cli.terminal import BOLD, GREEN, Terminal, Wish, colour_option

FIRST = """\
# @NAME@: what these rules are for, in a sentence.
#
#   kzrules check @PATH@      says what is wrong
#   kzrules test @PATH@       runs the tests at the end
#   twistd -n kzrules --rules @PATH@

language 1

# Where the broker is. The password lies in the secrets folder, never here:
#   login: secret("broker")
broker {
    zone local { "amqp://localhost:5672" }
}

# One queue: every call event of the bus, one call's events in their order.
subscribe calls {
    exchange "callevt" { type: topic }
    queue "@NAME@-calls" { durable: true }
    routing: ["call.*.*"]
    route_names: [
        "call:{.Event-Name}",
        "call",
    ]
    ordered_by: .Call-ID
    on_failure: retry(times: 5, first: 1s, longest: 1m) then dead_letter("@NAME@-failed")
}

# How long ago a call was answered; forgotten after four hours.
table answered { ttl: 4h, max: 100_000 }

event_route[call:channel-answer] {
    answered[.Call-ID] = .Timestamp
}

event_route[call:channel-destroy] when answered[.Call-ID] != null {
    publish("calls", key("ended", .Call-ID ?? "unknown"), {
        "Event-Category": "calls",
        "Event-Name": "ended",
        "Call-ID": .Call-ID,
        "Seconds": .Timestamp - answered[.Call-ID],
    }, mandatory: false)
    delete answered[.Call-ID]
}

# Everything else that the queue brings is of no interest here.
event_route[call] {
    done
}

test "an answered call that ends is announced with its length" {
    given answered["abc"] = 100
    event {
        "Event-Category": "call_event",
        "Event-Name": "CHANNEL_DESTROY",
        "Call-ID": "abc",
        "Timestamp": 160,
    }
    expect route "call:channel-destroy"
    expect publish("calls", "ended.abc", has { "Seconds": 60 })
    expect answered["abc"] == null
    expect done
}

test "when a call was answered is remembered" {
    event {
        "Event-Category": "call_event",
        "Event-Name": "CHANNEL_ANSWER",
        "Call-ID": "abc",
        "Timestamp": 100,
    }
    expect answered["abc"] == 100
    expect done
}

test "a call that nobody answered ends in silence" {
    event {
        "Event-Category": "call_event",
        "Event-Name": "CHANNEL_DESTROY",
        "Call-ID": "abc",
        "Timestamp": 160,
    }
    expect route "call"
    expect not publish("calls")
    expect done
}
"""


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@colour_option
def command(path: Path, color: Wish) -> None:
    """Write a first rule file with a test at PATH: a file (.kzr), or a folder to put one in."""
    target = path if path.suffix == ".kzr" else path / f"{path.resolve().name}.kzr"
    name = re.sub(r"[^a-z0-9]+", "-", target.stem.lower()).strip("-") or "rules"
    text = FIRST.replace("@NAME@", name).replace("@PATH@", shown(str(target)))
    _write(target, text)
    terminal = Terminal.of(sys.stdout, color)
    terminal.say(f"{terminal.paint('wrote', GREEN)} {terminal.paint(shown(str(target)), BOLD)}")
    terminal.say(f"next: kzrules check {shown(str(target))} && kzrules test {shown(str(target))}")


def _write(target: Path, text: str) -> None:
    """Never over a file that is there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{shown(str(target))} is there already; name another file") from None
    except OSError as why:
        raise click.UsageError(f"cannot write {shown(str(target))}: {why.strerror}") from None
