"""`# kz: ignore[KZ402] until 2027-01-31: reason`: findings that somebody has looked at and lets stand.

A silence without a reason, out of date, for nothing or for no code is a finding itself.
"""

from collections.abc import Sequence
from datetime import date

from kzrules.language.findings.codes import CODES
from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.findings.nearest import did_you_mean
from kzrules.language.findings.short import warning
from kzrules.language.tree import RuleFile, Silence

UNREADABLE = ("KZ1", "KZ2", "KZ3")
"""Errors of these groups keep rules from running at all; they cannot be silenced."""


def silenced(files: Sequence[RuleFile], found: Sequence[Diagnostic], today: date) -> list[Diagnostic]:
    """The findings that are left, with those about the silences themselves."""
    left = list(found)
    own: list[Diagnostic] = []
    for file in files:
        for silence in file.silences:
            own.extend(_own(silence, today))
            if _expired(silence, today):
                continue
            for code in silence.codes:
                kept = [one for one in left if not _hushed(one, silence, code)]
                if len(kept) == len(left) and code in CODES:
                    text = f"nothing here is found as {code}"
                    fix = _taken_away(silence) if len(silence.codes) == 1 else None
                    own.append(warning("KZ903", text, silence.span, help="take the comment away", fix=fix))
                left = kept
    return left + own


def _taken_away(silence: Silence) -> Fix:
    return Fix("take the comment away", (Edit(silence.span, ""),))


def _hushed(finding: Diagnostic, silence: Silence, code: str) -> bool:
    """On the comment's line, or the one behind it."""
    if finding.code != code or finding.span.file != silence.span.file:
        return False
    if finding.is_error and code.startswith(UNREADABLE):
        return False
    return finding.span.line in (silence.span.line, silence.span.end_line + 1)


def _own(silence: Silence, today: date) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    if not silence.reason.strip():
        form = ", ".join(silence.codes) or "KZ402"
        way_out = f"write it behind a colon: # kz: ignore[{form}]: the reason"
        found.append(warning("KZ901", "nobody says why this finding is silenced", silence.span, help=way_out))
    for code in silence.codes:
        if code not in CODES:
            way_out = did_you_mean(code, CODES, "a finding begins with its code")
            found.append(warning("KZ904", f"there is no finding `{code}`", silence.span, help=way_out))
    if silence.until is not None and _date(silence.until) is None:
        text = f"`{silence.until}` is no date"
        found.append(warning("KZ904", text, silence.span, help="write it as 2027-01-31"))
    elif _expired(silence, today):
        text = f"this silence ended on {silence.until}"
        way_out = "put right what it hides, or give it another date and say why"
        found.append(warning("KZ902", text, silence.span, help=way_out, fix=_taken_away(silence)))
    return found


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _expired(silence: Silence, today: date) -> bool:
    until = _date(silence.until) if silence.until is not None else None
    return until is not None and until < today
