"""A finding quotes the rule's line, but never a password in it."""

from kzrules.language.findings.diagnostic import Diagnostic, Severity
from kzrules.language.findings.render import render
from kzrules.language.tree import Span


def test_the_quoted_line_hides_the_password_and_keeps_its_width():
    text = 'broker { "amqp://kz:s3cr:et@rabbit" "amqp://other" }'
    finding = Diagnostic("KZ513", Severity.WARNING, "a password", Span("b.kzr", 1, 37, 1, 51))
    said = render([finding], {"b.kzr": text})
    assert "s3cr" not in said
    assert 'broker { "amqp://kz:*******@rabbit" "amqp://other" }' in said
