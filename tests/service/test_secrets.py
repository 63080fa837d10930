"""Secrets are read from files, and told to nobody."""

import pytest

from kzrules import secrets
from kzrules.errors import SettingError
from kzrules.language.program import Secret


def test_user_and_password_come_from_the_secrets_file(tmp_path):
    (tmp_path / "broker").write_text("kz:pass:word\n")
    assert ("kz", "pass:word") == secrets.login(Secret("broker"), tmp_path)


def test_no_secret_means_no_login_of_its_own():
    assert secrets.login(None, None) is None


def test_the_folder_of_the_command_line_goes_before_that_of_systemd():
    credentials = {"CREDENTIALS_DIRECTORY": "/run/credentials/kzrules"}
    assert "/etc/kz" == str(secrets.folder("/etc/kz", credentials))
    assert "/run/credentials/kzrules" == str(secrets.folder(None, credentials))
    assert secrets.folder(None, {}) is None


@pytest.mark.parametrize("text", ["only-a-user", ":nobody", "a:b\nc:d", ""])
def test_a_malformed_secret_is_named_by_its_file_and_never_quoted(tmp_path, text):
    (tmp_path / "broker").write_text(text)
    with pytest.raises(SettingError) as caught:
        secrets.login(Secret("broker"), tmp_path)
    assert str(tmp_path / "broker") in str(caught.value)
    assert not text or text not in str(caught.value)


def test_a_missing_file_and_a_missing_folder_say_what_to_do(tmp_path):
    with pytest.raises(SettingError, match="No such file"):
        secrets.login(Secret("broker"), tmp_path)
    with pytest.raises(SettingError, match="--secrets DIR"):
        secrets.login(Secret("broker"), None)
