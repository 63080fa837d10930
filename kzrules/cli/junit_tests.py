"""The results of rule tests as JUnit's XML: a suite a file, a case a test."""

from io import StringIO
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from kzrules.cli.failure import failure
from kzrules.cli.formats.junit import document
from kzrules.cli.report import shown
from kzrules.cli.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzrules.cli.test import Result


def suite(results: "Sequence[Result]") -> str:
    """All results."""
    root = Element("testsuites", _counts(results))
    files = dict.fromkeys(result.verdict.test.span.file for result in results)
    for path in files:
        own = [result for result in results if result.verdict.test.span.file == path]
        element = SubElement(root, "testsuite", {"name": shown(path), **_counts(own)})
        for result in own:
            _case(element, result, shown(path))
    return document(root)


def _counts(results: "Sequence[Result]") -> dict[str, str]:
    failures = sum(not result.verdict.passed for result in results)
    seconds = sum(result.seconds for result in results)
    return {"tests": str(len(results)), "failures": str(failures), "errors": "0", "time": f"{seconds:.4f}"}


def _case(element: Element, result: "Result", path: str) -> None:
    verdict = result.verdict
    attributes = {
        "classname": path,
        "name": verdict.test.name,
        "file": path,
        "line": str(verdict.test.span.line),
        "time": f"{result.seconds:.4f}",
    }
    case = SubElement(element, "testcase", attributes)
    if not verdict.passed:
        plain = Terminal(StringIO(), 100, colour=False)
        mismatch = {"message": verdict.mismatches[0].message, "type": "mismatch"}
        SubElement(case, "failure", mismatch).text = failure(verdict, {}, plain)
