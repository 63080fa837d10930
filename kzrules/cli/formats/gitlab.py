"""The code quality report of GitLab: findings as a widget of the merge request.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import hashlib
import json
from collections import Counter
from typing import Any

from kzrules.cli.formats.json import way_out
from kzrules.cli.report import Report, shown
from kzrules.cli.terminal import Terminal
from kzrules.language.findings.diagnostic import Diagnostic


def write(report: Report, _: Terminal) -> str:
    """All findings in one list, each with a fingerprint of its own that survives moved lines."""
    seen: Counter[str] = Counter()
    listed = []
    for finding in report.findings:
        key = f"{finding.code}\0{shown(finding.span.file)}\0{finding.message}"
        seen[key] += 1
        listed.append(_entry(finding, f"{key}\0{seen[key]}"))
    return json.dumps(listed, indent=2, ensure_ascii=False) + "\n"


def _entry(finding: Diagnostic, key: str) -> dict[str, Any]:
    span = finding.span
    end = {"line": span.end_line, "column": max(1, span.end_column - 1)}
    return {
        "description": " ".join([f"{finding.message}.", *way_out(finding).split("\n")]).strip(),
        "check_name": finding.code,
        "fingerprint": hashlib.sha256(key.encode()).hexdigest(),
        "severity": "critical" if finding.is_error else "minor",
        "location": {
            "path": shown(span.file),
            "lines": {"begin": span.line, "end": span.end_line},
            "positions": {"begin": {"line": span.line, "column": span.column}, "end": end},
        },
    }
