"""When traces are made, and where they go: what --otel and the standard variables say."""

import pytest

from kzrules.errors import SettingError
from kzrules.message.identity import Identity
from kzrules.operate import otel

IDENTITY = Identity("sbc1", "kzrules", "1.0", "x")
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def test_nothing_is_traced_unless_somebody_asks_for_it():
    assert otel.provider_for(IDENTITY, {}, asked=False) is None
    assert otel.provider_for(IDENTITY, {"OTEL_SERVICE_NAME": "x"}, asked=False) is None


@pytest.mark.parametrize(
    ("environment", "asked"),
    [(ENDPOINT, False), ({}, True), ({"OTEL_TRACES_EXPORTER": "console"}, False)],
)
def test_the_option_or_a_variable_that_says_where_to_asks_for_it(environment, asked):
    assert otel.provider_for(IDENTITY, environment, asked=asked) is not None


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_the_standard_ways_of_switching_it_off_win(off):
    assert otel.provider_for(IDENTITY, {**ENDPOINT, **off}, asked=True) is None


def test_without_the_packages_the_option_says_what_to_install(monkeypatch):
    monkeypatch.setattr(otel, "_installed", lambda: False)
    with pytest.raises(SettingError, match=r"--otel needs .* pip install 'kzrules\[otel\]'"):
        otel.provider_for(IDENTITY, {}, asked=True)
    assert otel.provider_for(IDENTITY, ENDPOINT, asked=False) is None


def test_an_exporter_that_is_not_installed_is_named():
    with pytest.raises(SettingError, match="no exporter of traces named 'otlp_proto_grpc'"):
        otel.provider_for(IDENTITY, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, asked=True)


def test_the_environment_may_name_the_service_otherwise(monkeypatch):
    made = otel.provider_for(IDENTITY, {"OTEL_TRACES_EXPORTER": "console"}, asked=True)()
    assert ("kzrules", "sbc1") == tuple(made.resource.attributes[n] for n in ("service.name", "host.name"))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "lamps")
    named = otel.provider_for(IDENTITY, {"OTEL_TRACES_EXPORTER": "console"}, asked=True)()
    assert "lamps" == named.resource.attributes["service.name"]
    for provider in (made, named):
        provider.shutdown()
