import io

import pytest

from kzrules.cli.terminal import Terminal


@pytest.fixture
def plain():
    """A pipe: 80 columns, no colour."""
    return Terminal(io.StringIO(), 80, colour=False)
