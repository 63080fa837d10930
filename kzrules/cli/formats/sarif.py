"""SARIF 2.1.0, with fixes: what code scanning services take.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kzrules import __version__
from kzrules.cli.formats.json import way_out
from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import Terminal
from kzrules.language.findings.codes import CODES, Code
from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.span import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

ROOT = "ROOT"


def write(report: Report, _: Terminal) -> str:
    """One run with its rules, results and fixes."""
    codes = sorted({finding.code for finding in report.findings})
    tool = {
        "name": "kzrules",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": tool},
        "originalUriBaseIds": {ROOT: {"uri": f"{Path.cwd().as_uri()}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    known = CODES.get(code)
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "name": known.name,
        "shortDescription": {"text": known.name},
        "fullDescription": {"text": known.about},
        "help": {"text": _page(known), "markdown": _markdown(known)},
        "defaultConfiguration": {"level": str(known.severity)},
    }


def _page(code: Code) -> str:
    return f"{code.about}\n\nWrong:\n\n{code.wrong}\n\nRight:\n\n{code.right}"


def _markdown(code: Code) -> str:
    return f"{code.about}\n\nWrong:\n\n```\n{code.wrong}\n```\n\nRight:\n\n```\n{code.right}\n```"


def _result(finding: Diagnostic, codes: list[str]) -> dict[str, Any]:
    text = "\n".join(part for part in (finding.message, finding.label, way_out(finding)) if part)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": str(finding.severity),
        "message": {"text": text},
        "locations": [_location(finding.span)],
    }
    if finding.labels:
        result["relatedLocations"] = [
            {"id": number, **_location(label.span), "message": {"text": label.text}}
            for number, label in enumerate(finding.labels, 1)
        ]
    if finding.fix:
        result["fixes"] = [_fix(finding.fix)]
    return result


def _location(span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(span.file), "region": _region(span)}}


def _artifact(path: str) -> dict[str, str]:
    name = shown(path)
    if Path(name).is_absolute():
        return {"uri": Path(name).as_uri()}
    return {"uri": quote(name), "uriBaseId": ROOT}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    files = list(dict.fromkeys(edit.span.file for edit in fix.edits))
    changes = [
        {
            "artifactLocation": _artifact(path),
            "replacements": [_replacement(edit) for edit in fix.edits if edit.span.file == path],
        }
        for path in files
    ]
    return {"description": {"text": fix.about}, "artifactChanges": changes}


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
