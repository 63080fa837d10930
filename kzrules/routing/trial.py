"""Runs the `test` blocks of rule files: no broker, no clock but the test's own. `cli.test` calls it.

A test's steps run from first to last. Each event, and each `pass`, begins an act: what is expected
after it speaks of that act. A query that no `given` answers fails the test, and so does a rule that
fails while nobody expects it to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kzrules.errors import KzError, RuleFailure
from kzrules.language import tree
from kzrules.language.compile import compile_program
from kzrules.language.declare import Declared, declare
from kzrules.language.program import Program
from kzrules.language.values import text
from kzrules.language.word import Words
from kzrules.message.payload import dumps
from kzrules.routing.act import Act
from kzrules.routing.book import Validate
from kzrules.routing.coverage import Seen
from kzrules.routing.evaluate import evaluate
from kzrules.routing.expect import Mismatch, check_call, check_end, check_route, check_value
from kzrules.routing.journal import Line, conditions, journal, source_of
from kzrules.routing.stage import Stage, Unanswerable, instant

NODE = "test.example.com"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one test: no mismatch means passed. `lines` trace the act that the first one is about."""

    test: tree.Test
    mismatches: tuple[Mismatch, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def passed(self) -> bool:
        """True: everything was as expected."""
        return not self.mismatches


@dataclass(slots=True)
class Rules:
    """Files that check without errors, compiled once for each set of given settings."""

    files: Sequence[tree.RuleFile]
    words: Words
    validators: Mapping[tuple[str, str], Validate]
    texts: Mapping[str, str]
    seen: Seen = field(default_factory=Seen)
    conditions: dict[int, str] = field(default_factory=dict)
    compiled: dict[Any, tuple[Declared, Program]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.conditions = conditions(self.files)

    def under(self, overrides: Mapping[str, str]) -> tuple[Declared, Program]:
        """The rules under given settings, instrumented."""
        key = tuple(sorted(overrides.items()))
        if key not in self.compiled:
            settings = {name: value for name, value in overrides.items() if name != "node"}
            declared = declare(self.files, settings, overrides.get("node", NODE), words=self.words)
            wrong = [finding for finding in declared.findings if finding.is_error]
            if wrong:
                raise RuleFailure(f"the given settings do not fit: {wrong[0].message}")
            program = compile_program(self.files, declared, self.words, instrument=True, texts=self.texts)
            self.compiled[key] = declared, program
        return self.compiled[key]


def run(rules: Rules, test: tree.Test) -> Verdict:
    """Run one test of these rules."""
    trial = _Trial(rules, test)
    try:
        trial.run()
    except (_Over, KzError) as why:
        if not isinstance(why, _Over):
            trial.mismatches.append(Mismatch(trial.at.span, str(why)))
    trial.close()
    return Verdict(test, tuple(trial.mismatches), trial.lines)


class _Over(Exception):  # noqa: N818  not a failure of ours: the test cannot go on
    """The last mismatch says why."""


class _Trial:
    """One run of one test."""

    def __init__(self, rules: Rules, test: tree.Test) -> None:
        self.rules = rules
        self.test = test
        self.at: tree.Node = test
        self.act_at: tree.Node = test
        self.act: Act | None = None
        self.mismatches: list[Mismatch] = []
        self.lines: tuple[Line, ...] = ()

    def run(self) -> None:
        """From the first step to the last."""
        steps = self.test.steps
        stage = self.stage = self._stage()
        for step in steps:
            self.at = step
            match step:
                case tree.GivenSetting():
                    continue
                case tree.GivenTable():
                    stage.remember(step)
                case tree.GivenCall():
                    stage.promise(step)
                case tree.EventStep() | tree.PassTime():
                    self._begin(step)
                    self._play(step)
                case _:
                    self._expect(step)

    def _stage(self) -> Stage:
        """The rules under the settings that the test gives, wherever they stand."""
        given: dict[str, str] = {}
        now: Any = None
        for step in self.test.steps:
            if isinstance(step, tree.GivenSetting):
                self.at = step
                value = evaluate(step.value, Stage.bare(self.rules.words))
                if step.name == "now":
                    now = instant(value)
                else:
                    given[step.name] = (
                        dumps(value).decode() if isinstance(value, list | dict) else text(value)
                    )
        declared, program = self.rules.under(given)
        return Stage(program, declared, self.rules.validators, self.rules.words, now)

    def _begin(self, step: tree.Node) -> None:
        """What was expected so far is told; a new act begins."""
        self.close()
        self.act_at = step
        self.act = Act()
        recorder = self.stage.book.program.recorder
        if recorder is not None:
            recorder.clear()

    def _play(self, step: tree.EventStep | tree.PassTime) -> None:
        assert self.act is not None  # noqa: S101  `_begin` made it
        try:
            if isinstance(step, tree.EventStep):
                self.stage.event(step, self.act)
            else:
                self.stage.pass_time(step, self.act)
        except Unanswerable as asked:
            self._miss(Mismatch(step.span, str(asked), notes=asked.notes))
            raise _Over from None

    def _expect(self, step: tree.Step) -> None:
        act = self.act
        scope = self.stage.scope
        found: Mismatch | None = None
        match step:
            case tree.ExpectValue():
                found = check_value(step, scope, lambda: source_of(step.condition, self.rules.texts))
            case _ if act is None:
                found = Mismatch(
                    step.span, "nothing has happened yet: an `event` or a `pass` stands before it"
                )
            case tree.ExpectRoute():
                found = check_route(step, act)
            case tree.ExpectEnd():
                act.end_expected = True
                found = check_end(step, act, scope)
            case tree.ExpectCall():
                found = check_call(step, act, scope)
        if found is not None:
            self._miss(found)

    def _miss(self, mismatch: Mismatch) -> None:
        if not self.mismatches:
            recorder = getattr(self, "stage", None) and self.stage.book.program.recorder
            if recorder:
                self.lines = journal(recorder.seen, self.rules.conditions, self.rules.texts)
        self.mismatches.append(mismatch)

    def close(self) -> None:
        """The act is over: a failure that nobody expected is told, and what ran is counted."""
        act = self.act
        if act is None:
            return
        failure = act.failure
        if failure is not None and not act.end_expected:
            where = f" at {failure.place}" if failure.place else ""
            self._miss(Mismatch(self.act_at.span, f"the rule failed{where}: {failure.why}"))
        recorder = self.stage.book.program.recorder
        if recorder is not None:
            self.rules.seen.add(recorder.seen, act)
        self.act = None
