"""A JSON list of findings, for tools."""

import json
from typing import Any

from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import Terminal
from kzrules.language.findings.diagnostic import Diagnostic, Fix
from kzrules.language.span import Span


def write(report: Report, _: Terminal) -> str:
    """All findings in one list."""
    return json.dumps([finding_json(one) for one in report.findings], indent=2, ensure_ascii=False) + "\n"


def finding_json(finding: Diagnostic) -> dict[str, Any]:
    """One finding; a note, such as a payload that shows it, stands behind the help."""
    own = [{**place(finding.span), "text": finding.label}] if finding.label else []
    further = [{**place(label.span), "text": label.text} for label in finding.labels]
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "message": finding.message,
        **place(finding.span),
        "labels": own + further,
        "help": way_out(finding) or None,
        "fix": _fix(finding.fix) if finding.fix else None,
    }


def way_out(finding: Diagnostic) -> str:
    """Help and note as one text."""
    return "\n".join(part for part in (finding.help, finding.note) if part)


def place(span: Span) -> dict[str, Any]:
    """Where: lines and columns from 1, the end one past the last character."""
    return {
        "path": shown(span.file),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{**place(edit.span), "text": edit.text} for edit in fix.edits]
    return {"about": fix.about, "safe": fix.safe, "edits": edits}
