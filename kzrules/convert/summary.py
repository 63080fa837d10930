"""What a conversion did, in a few lines that a person reads: what was taken, what stays, the gaps by kind."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from kzrules.convert.place import Gap, Place


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a conversion. `stays`: blocks that stay in Kamailio, with what they use."""

    blocks: int
    subroutines: int
    timers: int
    subscriptions: int
    tables: int
    statements: int
    gaps: tuple[Gap, ...]
    notes: tuple[tuple[str, int], ...]
    stays: tuple[tuple[str, Place, str], ...]
    missing: tuple[tuple[str, Place], ...]
    options: tuple[tuple[str, str], ...]
    passwords: int
    dead: tuple[str, ...]
    unread: tuple[str, ...]
    has_broker: bool

    def by_kind(self) -> list[tuple[str, int, Gap]]:
        """Kinds of gaps, most frequent first, each with one of them."""
        counts = Counter(one.kind for one in self.gaps)
        firsts = {one.kind: one for one in reversed(self.gaps)}
        return [(kind, count, firsts[kind]) for kind, count in counts.most_common()]


def counted(number: int, one: str) -> str:
    """`1 gap`, `2 gaps`."""
    return f"{number} {one if number == 1 else one + 's'}"


def report(summary: Summary, files: Sequence[str]) -> list[str]:
    """The summary, line by line."""
    taken = (
        f"{counted(summary.blocks, 'block')}, {counted(summary.subroutines, 'subroutine')}, "
        f"{counted(summary.timers, 'timer')}; {counted(summary.subscriptions, 'subscription')}, "
        f"{counted(summary.tables, 'table')}; {counted(summary.statements, 'statement')}"
    )
    lines = [taken]
    if summary.gaps:
        lines += ["", f"{counted(len(summary.gaps), 'gap')}, each marked `kz gap` where it is:"]
        width = max(len(kind) for kind, _, _ in summary.by_kind())
        for kind, count, first in summary.by_kind():
            lines.append(f"  {count:>3}  {kind:<{width}}  {_named(first.place)}")
    else:
        lines += ["", "no gaps"]
    if summary.notes:
        lines += ["", "done another way than in Kamailio:"]
        lines += [f"  {count:>3}  {what}" for what, count in summary.notes]
    if summary.stays:
        lines += ["", "stays in Kamailio, for it is about SIP requests:"]
        lines += [f"  {_named(place)}  {name}: {uses}" for name, place, uses in summary.stays]
    for name, place in summary.missing:
        lines += ["", f"`{name}` is not there ({_named(place)}): import_file goes on without it"]
    if not summary.has_broker:
        lines += ["", "there was no amqp_connection: write a `broker` block before the service starts"]
    if summary.passwords:
        lines += ["", _password(summary.passwords)]
    for name in summary.unread:
        lines.append(f'modparam("kazoo", "{name}") has no counterpart')
    lines += ["", f"next: kzrules check {_folder(files)}", f"      {_start(summary, files)}"]
    return lines


def _named(place: Place) -> str:
    return str(place) if place.file else "(modparam)"


def _password(number: int) -> str:
    which = "the password is" if number == 1 else "passwords are"
    return f"{which} not written: put `user:password` into the file `broker` of a folder for --secrets"


def _folder(files: Sequence[str]) -> str:
    return str(PurePosixPath(files[0]).parent) if files else "."


def _start(summary: Summary, files: Sequence[str]) -> str:
    given = " ".join(f"{option} {value}" for option, value in summary.options)
    secrets = " --secrets DIR" if summary.passwords else ""
    return f"twistd -n kzrules{secrets} run {_folder(files)}{f' {given}' if given else ''}"
