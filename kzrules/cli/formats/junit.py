"""JUnit's XML: a test case a finding, and one for each file without findings."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from kzrules.cli.formats.json import way_out
from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import Terminal
from kzrules.language.findings.diagnostic import Diagnostic


def write(report: Report, _: Terminal) -> str:
    """One suite. Warnings are cases that pass, with their text, unless they are denied."""
    with_findings = {finding.span.file for finding in report.findings}
    clean = [path for path in report.files if path not in with_findings]
    failures = sum(report.fails(finding) for finding in report.findings)
    counts = {"tests": str(len(report.findings) + len(clean)), "failures": str(failures), "errors": "0"}
    root = Element("testsuites", counts)
    suite = SubElement(root, "testsuite", {"name": "kzrules check", **counts, "skipped": "0", "time": "0"})
    for path in clean:
        _case(suite, path, "check")
    for finding in report.findings:
        _add(suite, finding, failed=report.fails(finding))
    return document(root)


def document(root: Element) -> str:
    """An element as an XML file. Characters that XML cannot hold become U+FFFD."""
    for element in root.iter():
        element.text = allowed(element.text) if element.text else element.text
        for name, value in element.items():
            element.set(name, allowed(value))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def allowed(text: str) -> str:
    """XML 1.0, production 2: no control characters but tab, line feed and return, no surrogates."""
    return "".join(one if _is_char(one) else "\N{REPLACEMENT CHARACTER}" for one in text)


def _is_char(one: str) -> bool:
    return one in "\t\n\r" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one >= "\U00010000"


def _case(suite: Element, path: str, name: str) -> Element:
    return SubElement(suite, "testcase", {"classname": shown(path), "name": name, "file": shown(path)})


def _add(suite: Element, finding: Diagnostic, *, failed: bool) -> None:
    span = finding.span
    case = _case(suite, span.file, f"{finding.code} line {span.line}")
    case.set("line", str(span.line))
    case.set("time", "0")
    where = (
        f"{shown(span.file)}:{span.line}:{span.column}: {finding.severity}[{finding.code}]: {finding.message}"
    )
    text = "\n".join(part for part in (where, finding.label, way_out(finding)) if part)
    if failed:
        kind = {"message": finding.message, "type": f"{finding.severity} {finding.code}"}
        SubElement(case, "failure", kind).text = text
    else:
        SubElement(case, "system-out").text = text
