"""One JSON object a line, for streams."""

import json

from kzrules.cli.formats.json import finding_json
from kzrules.cli.report import Report
from kzrules.cli.terminal import Terminal


def write(report: Report, _: Terminal) -> str:
    """A finding a line."""
    return "".join(json.dumps(finding_json(one), ensure_ascii=False) + "\n" for one in report.findings)
