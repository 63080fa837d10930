"""`kzrules test`: runs the `test` blocks of rule files, tells what differs, and what no test reaches."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import click

from kzrules.cli import coverage_report
from kzrules.cli.check import store
from kzrules.cli.checked import checked
from kzrules.cli.command import CLEAN, FOUND
from kzrules.cli.examine import existing
from kzrules.cli.failure import failure
from kzrules.cli.formats.full import drawn
from kzrules.cli.junit_tests import suite
from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, YELLOW, Terminal, Wish, colour_option, counted
from kzrules.language.places import programs
from kzrules.language.tree import Test
from kzrules.routing.coverage import NEVER_RAN, Coverage, Item, by_file, measure
from kzrules.routing.load import validators
from kzrules.routing.trial import Rules, Verdict, run
from kzrules.words import WORDS

REPORTS = ("lcov", "cobertura", "html")


@dataclass(frozen=True, slots=True)
class Result:
    """One test that ran, and how long it took."""

    verdict: Verdict
    seconds: float


def _reports(
    _context: click.Context, _parameter: click.Parameter, given: Sequence[str]
) -> list[tuple[str, str]]:
    """`--coverage-report KIND:PATH`, each."""
    split = [value.partition(":") for value in given]
    for kind, _, path in split:
        if kind not in REPORTS or not path:
            raise click.BadParameter(f"write KIND:PATH, with one of {', '.join(REPORTS)}")
    return [(kind, path) for kind, _, path in split]


def _pattern(
    _context: click.Context, _parameter: click.Parameter, given: str | None
) -> re.Pattern[str] | None:
    try:
        return None if given is None else re.compile(given, re.IGNORECASE)
    except re.error as wrong:
        raise click.BadParameter(f"{given} is no regular expression: {wrong}") from None


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(readable=False))
@click.option("--run", "only", metavar="PATTERN", callback=_pattern, help="Only tests whose name matches.")
@click.option("--junit", metavar="FILE", help="Write the results as JUnit's XML as well.")
@click.option(
    "--coverage", is_flag=True, help="Tell which routes, branches and actions no test reaches, and why."
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 100),
    metavar="N",
    help="Fail where less than N percent of routes, branches and actions are reached.",
)
@click.option(
    "--coverage-report",
    "reports",
    metavar="KIND:PATH",
    multiple=True,
    callback=_reports,
    help="lcov, cobertura or html. Repeatable.",
)
@colour_option
def command(
    paths: tuple[str, ...],
    *,
    only: re.Pattern[str] | None,
    junit: str | None,
    coverage: bool,
    threshold: float | None,
    reports: list[tuple[str, str]],
    color: Wish,
) -> int:
    """Run the tests that stand in rule files; no broker needed.

    Exit status: 0 when all pass, 1 when one fails, when the rules have errors, when no test is
    found or selected, or when coverage is below --threshold; 2 for wrong usage.
    """
    terminal = Terminal.of(sys.stdout, color)
    began = perf_counter()
    rules, broken = _loaded(existing(paths), terminal)
    results = [result for each in rules for result in _run_all(each, only, terminal)]
    covered = Coverage(tuple(item for each in rules for item in measure(each.files, each.seen).items))
    if junit:
        store(Path(junit), suite(results))
    for kind, path in reports:
        coverage_report.save(
            kind, Path(path), covered, {n: t for each in rules for n, t in each.texts.items()}
        )
    if coverage or threshold is not None:
        _tell_coverage(covered, terminal)
    failed = _summary(results, broken, only, perf_counter() - began, terminal)
    short = threshold is not None and covered.percent < threshold
    if short:
        terminal.say(terminal.paint(f"coverage is {covered.percent:.2f} %, less than {threshold:g} %", RED))
    return FOUND if failed or broken or short else CLEAN


def _loaded(paths: Sequence[str], terminal: Terminal) -> tuple[list[Rules], int]:
    """The programs that check without errors; the errors of the others are shown."""
    made, broken = [], 0
    for group in programs(paths):
        sources, findings = checked(group)
        errors = tuple(finding for finding in findings if finding.is_error)
        if errors:
            broken += 1
            terminal.say(drawn(Report(errors, sources.texts, ()), terminal))
        else:
            made.append(Rules(sources.files, WORDS, validators(sources.files), sources.texts))
    return made, broken


def _run_all(rules: Rules, only: re.Pattern[str] | None, terminal: Terminal) -> Iterator[Result]:
    for file in rules.files:
        chosen = [
            item
            for item in file.declarations
            if isinstance(item, Test) and (only is None or only.search(item.name))
        ]
        results = [_timed(rules, item) for item in chosen]
        if results:
            _tell_file(file.path, results, rules, terminal)
        yield from results


def _timed(rules: Rules, test: Test) -> Result:
    began = perf_counter()
    verdict = run(rules, test)
    return Result(verdict, perf_counter() - began)


def _tell_file(path: str, results: Sequence[Result], rules: Rules, terminal: Terminal) -> None:
    failures = [result for result in results if not result.verdict.passed]
    passed = len(results) - len(failures)
    mark = terminal.paint("FAIL", RED, BOLD) if failures else terminal.paint("ok  ", GREEN)
    counts = f"{passed} of {len(results)} passed" if failures else counted(passed, "test")
    terminal.say(f"{mark} {shown(path)}  {terminal.paint(counts, DIM)}")
    for result in failures:
        terminal.say()
        terminal.stream.write(failure(result.verdict, rules.texts, terminal))
    if failures:
        terminal.say()


def _tell_coverage(coverage: Coverage, terminal: Terminal) -> None:
    counts = [
        f"{kind}s {ran}/{whole}"
        for kind in ("route", "branch", "action")
        for ran, whole in [coverage.of(kind)]
    ]
    terminal.say("\n" + terminal.paint("   ".join(counts).replace("branchs", "branches"), BOLD))
    files = by_file(Coverage(tuple(item for item in coverage.missed if item.reason != NEVER_RAN)))
    for path, items in files.items():
        terminal.say(f"  {shown(path)}")
        names = min(max(len(item.name) for item in items), 42)
        for item in items:
            _tell_item(item, names, terminal)
    terminal.say()


def _tell_item(item: Item, names: int, terminal: Terminal) -> None:
    name, reason = terminal.paint(item.name.ljust(names), CYAN), terminal.paint(item.reason, YELLOW)
    room = max(names, len(item.name)) + len(item.reason) + 9
    between = "  " if room <= terminal.width else "\n" + " " * 9
    terminal.say(f"  {item.span.line:>5}  {name}{between}{reason}")


def _summary(
    results: Sequence[Result], broken: int, only: re.Pattern[str] | None, seconds: float, terminal: Terminal
) -> bool:
    """The last line; True: this is a failure."""
    failed = sum(not result.verdict.passed for result in results)
    if not results and broken:
        terminal.say(terminal.paint(f"{counted(broken, 'program')} with errors: no test ran", RED))
        return True
    if not results:
        why = f"no test's name matches {only.pattern}" if only else "no test found"
        terminal.say(terminal.paint(f"{why}: that is a failure, for nothing was shown to work", RED))
        return True
    parts = [f"{len(results) - failed:,} passed", f"{failed:,} failed" if failed else ""]
    parts.append(f"{counted(broken, 'program')} with errors" if broken else "")
    line = ", ".join(part for part in parts if part)
    terminal.say(terminal.paint(f"{line} in {seconds:.2f} s", RED if failed or broken else GREEN))
    return failed > 0
