"""Whether OpenTelemetry is asked for, and its parts as the standard OTEL_* variables name them.

`service.plan` asks when it reads the options; `Tracing` makes the provider when the service starts.
Only the functions here and `tracing` import the packages of the extra `otel`.
"""

import os
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from kzrules.errors import SettingError
from kzrules.message.identity import Identity

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

MakeProvider = Callable[[], "TracerProvider"]

INSTALL = "pip install 'kzrules[otel]'"
_SAYING_WHERE = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
"""Whoever sets one of these wants traces; the others only say how they are made."""
_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
_log = Logger()


def provider_for(
    identity: Identity, environment: Mapping[str, str] = os.environ, *, asked: bool
) -> MakeProvider | None:
    """What makes the provider; None where nothing is to be traced.

    SettingError where `--otel` asks for it and it cannot be had.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    name = environment.get("OTEL_TRACES_EXPORTER", "otlp")
    named = next((variable for variable in _SAYING_WHERE if environment.get(variable)), None)
    if name == "none" or not (asked or named):
        return None
    if not _installed():
        if asked:
            raise SettingError(f"--otel needs packages that are not installed: {INSTALL}")
        _log.info("{named} is set, and nothing is traced without {install}", named=named, install=INSTALL)
        return None
    exporter = _exporter(name, environment)
    return lambda: _provider(identity, exporter())


def _installed() -> bool:
    try:
        return find_spec("opentelemetry.sdk.trace") is not None
    except ModuleNotFoundError:  # not even the package above it
        return False


def _exporter(name: str, environment: Mapping[str, str]) -> "Callable[[], SpanExporter]":
    if name == "otlp":
        common = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        name = _PROTOCOLS.get(environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", common), common)
    found = list(entry_points(group="opentelemetry_traces_exporter", name=name))
    if not found:
        raise SettingError(
            f"no exporter of traces named {name!r} is installed: set OTEL_TRACES_EXPORTER and"
            f" OTEL_EXPORTER_OTLP_PROTOCOL to what is, or install it. {INSTALL} brings http/protobuf."
        )
    exporter: Any = found[0].load()
    return exporter  # type: ignore[no-any-return]  # a class, by its name in the entry points


def _provider(identity: Identity, exporter: "SpanExporter") -> "TracerProvider":
    """It reads the sampler, limits and further attributes from the environment itself."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415  an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  an extra

    ours = Resource.create(
        {
            "service.name": identity.app_name,
            "service.version": identity.app_version,
            "service.instance.id": identity.server_id,
            "host.name": identity.host,
        }
    )
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
