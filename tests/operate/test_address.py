"""Where to listen, as it is written."""

import pytest

from kzrules.errors import SettingError
from kzrules.operate.address import address, shown


@pytest.mark.parametrize("text", ["127.0.0.1:9480", "[::1]:9480", "0.0.0.0:0"])
def test_an_address_and_a_port_are_read_and_shown_alike(text):
    assert text == shown(*address(text))


@pytest.mark.parametrize("text", ["9480", ":9480", "localhost:9480", "127.0.0.1:", "127.0.0.1:70000", "1:-1"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(SettingError, match=r"as 127\.0\.0\.1:9480"):
        address(text)
