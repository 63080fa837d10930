"""`setting NAME = VALUE`: defaults from the files, overruled by `--set` and then the environment."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from kzrules.language.declaring.constant import Constants, Unknown
from kzrules.language.findings.diagnostic import Diagnostic, Findings, Label
from kzrules.language.findings.nearest import did_you_mean
from kzrules.language.findings.short import error
from kzrules.language.tree import RuleFile, Setting, Span
from kzrules.language.values import said
from kzrules.language.word import Words

LARGEST = 100_000
"""The most values and characters in one setting: settings built from settings could double for ever."""

RESERVED = frozenset({"node", "payload", "received", "meta"})
UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
DURATION = re.compile(r"([0-9]{1,12})(ms|s|m|h|d)", re.ASCII)


class Settings:
    """The settings of a program: each is worked out once, when somebody asks or at the end."""

    def __init__(self, declared: Mapping[str, Setting], node: str, words: Words, findings: Findings) -> None:
        self.declared = declared
        self.values: dict[str, Any] = {"node": node}
        self.findings = findings
        self.open: list[str] = []
        self.read: set[str] = set()
        """Settings that another declaration reads."""
        self.constants = Constants(self._read, {**declared, "node": None}, words)

    def _read(self, name: str) -> Any:
        self.read.add(name)
        return self.look_up(name)

    def look_up(self, name: str) -> Any:
        """A setting's value. KeyError: there is none; Unknown: its own finding says why not."""
        if name not in self.values:
            self._work_out(name, self.declared[name])
        value = self.values[name]
        if value is UNKNOWN:
            raise Unknown(None, self.declared[name].span)
        return value

    def _work_out(self, name: str, setting: Setting) -> None:
        if name in self.open:
            circle = " -> ".join([*self.open[self.open.index(name) :], name])
            raise Unknown("KZ306", setting.span, f"`{name}` is made from itself: {circle}")
        self.open.append(name)
        self.values[name] = self.evaluate(setting.value)
        self.open.pop()

    def evaluate(self, expr: Any) -> Any:
        """A constant, or UNKNOWN with a finding that says why."""
        try:
            value = self.constants.value(expr)
        except Unknown as why:
            self.tell(why)
            return UNKNOWN
        if weight(value) > LARGEST:
            self.findings.add(error("KZ305", "this value is too large for a setting", expr.span))
            return UNKNOWN
        return value

    def tell(self, why: Unknown) -> None:
        """Make a finding of a value that cannot be known, unless somebody else does."""
        if why.code is not None:
            self.findings.add(error(why.code, why.message, why.span, help=why.way_out))


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()
"""Stands for a setting whose value has a finding already."""


def weight(value: Any) -> int:
    """How many values and characters a value holds, counted up to the limit."""
    total, waiting = 0, [value]
    while waiting and total <= LARGEST:
        here = waiting.pop()
        total += 1 + (len(here) if isinstance(here, str | list | dict) else 0)
        if isinstance(here, list):
            waiting.extend(here)
        elif isinstance(here, dict):
            waiting.extend(here.values())
    return total


def read_settings(
    files: Sequence[RuleFile], overrides: Mapping[str, str], node: str, words: Words, findings: Findings
) -> Settings:
    """All settings with their values; what was overruled is read by the kind of its default."""
    declared = _declared(files, findings)
    settings = Settings(declared, node, words, findings)
    for name in declared:
        try:
            settings.look_up(name)
        except Unknown as why:
            settings.tell(why)
            settings.values[name] = UNKNOWN
    for name, text in overrides.items():
        _overrule(settings, name, text, _beginning(files))
    if overrides:
        _work_out_again(settings, overrides)
    return settings


def _declared(files: Sequence[RuleFile], findings: Findings) -> dict[str, Setting]:
    declared: dict[str, Setting] = {}
    for file in files:
        for item in file.declarations:
            if not isinstance(item, Setting):
                continue
            if item.name in RESERVED:
                text = f"`{item.name}` is always there and cannot be declared"
                findings.add(error("KZ207", text, item.span, help=RESERVED_HELP.get(item.name, "")))
            elif item.name in declared:
                findings.add(twice(item.name, item.span, declared[item.name].span))
            else:
                declared[item.name] = item
    return declared


RESERVED_HELP = {"node": "it is this host's name; --node gives another one"}


def twice(name: str, span: Span, first: Span) -> Diagnostic:
    """A name that was declared before."""
    way_out = "give one of them another name, or take it away"
    if span.file != first.file:
        way_out = f"{first.file} declares it too, and both files belong to one program"
    label = Label(first, "declared here first")
    return error("KZ207", f"`{name}` is declared twice", span, labels=(label,), help=way_out)


def _beginning(files: Sequence[RuleFile]) -> Span:
    return Span(files[0].path if files else "", 1, 1, 1, 1)


def _overrule(settings: Settings, name: str, text: str, beginning: Span) -> None:
    if name not in settings.declared:
        text_said = f"no file declares the setting `{name}` that was given from outside"
        way_out = did_you_mean(name, settings.declared, "declare it, or leave it out")
        settings.findings.add(error("KZ203", text_said, beginning, help=way_out))
        return
    default = settings.values[name]
    try:
        settings.values[name] = from_text(text, default)
    except ValueError as failure:
        text_said = f"the value given for `{name}` does not fit: {failure}"
        settings.findings.add(error("KZ305", text_said, settings.declared[name].span, label="its default"))


def _work_out_again(settings: Settings, overrides: Mapping[str, str]) -> None:
    """Settings that are made from overruled ones."""
    kept = {name: value for name, value in settings.values.items() if name in overrides or name == "node"}
    settings.values = kept
    for name in settings.declared:
        try:
            settings.look_up(name)
        except Unknown:
            settings.values[name] = UNKNOWN


def from_text(text: str, default: Any) -> Any:
    """What `--set NAME=TEXT` means for a setting with this default. ValueError: it does not fit."""
    if isinstance(default, str) or default is UNKNOWN:
        return text
    if isinstance(default, timedelta):
        return _duration(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if default is None:
            return text
        raise ValueError(f"{text!r} is not JSON, and its default is {said(default)}") from None
    if default is not None and _family(value) is not _family(default):
        raise ValueError(f"{text!r} is {said(value)}, and its default is {said(default)}")
    return value


def _family(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def _duration(text: str) -> timedelta:
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 2s or 5m")
    try:
        return timedelta(**{UNITS[match[2]]: int(match[1])})
    except OverflowError as failure:
        raise ValueError(f"{text!r} is longer than a duration can be") from failure
