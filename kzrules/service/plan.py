"""What the service runs, and how: read from the options of `tap`, and once more at each reload."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kzrules import secrets
from kzrules.broker.zones import servers
from kzrules.errors import SettingError
from kzrules.language.declare import setting_names
from kzrules.language.program import BrokerSpec
from kzrules.language.source import read_outlines, read_program
from kzrules.message.identity import Identity
from kzrules.operate.address import address
from kzrules.operate.otel import MakeProvider, provider_for
from kzrules.routing.book import Book
from kzrules.routing.load import Loaded, load
from kzrules.routing.tables import Tables
from kzrules.service.history import Loading, loading


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rules come from and what they are given: all that it takes to read them again."""

    rules: tuple[str, ...]
    overrides: Mapping[str, str]
    broker_file: str | None
    identity: Identity
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def load(self, tables: Tables | None = None) -> Loaded:
        """The rules as their files say now; `tables` are those of the book before."""
        if self.broker_file is None:
            return self._load(tables, None)
        sources = read_program([self.broker_file])
        if any(finding.is_error for finding in sources.findings):
            return Loaded(None, tuple(sources.findings), sources.texts)
        loaded = self._load(tables, sources.files[0])
        return replace(
            loaded,
            findings=(*sources.findings, *loaded.findings),
            texts={**sources.texts, **loaded.texts},
        )

    def _load(self, tables: Tables | None, broker_file: Any) -> Loaded:
        sources = read_outlines(self.rules)
        names = setting_names(sources.outlines)
        environment = {
            name: self.environment[variable]
            for name in names
            if (variable := f"KZRULES_{name.upper()}") in self.environment
        }
        overrides = {**environment, **self.overrides}
        return load(sources, overrides, self.identity.host, self.identity, tables, broker_file=broker_file)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the service runs, and how; times in seconds."""

    loading: Loading
    broker: BrokerSpec
    login: tuple[str, str] | None
    origin: Origin
    workers: int
    drain_timeout: float
    control: str | None = None
    """The path of the control socket."""
    state: str | None = None
    """The folder where tables survive a restart."""
    state_age: float = 3600.0
    watch: bool = False
    http: tuple[str, int] | None = None
    """Address and port of health, metrics and the page."""
    pid_file: str | None = None
    """twistd's, which it removes at an ordered end only."""
    tracing: MakeProvider | None = None
    """Makes OpenTelemetry's provider; None where nothing is traced."""

    @property
    def book(self) -> Book:
        """The rules to begin with."""
        return self.loading.book

    @property
    def identity(self) -> Identity:
        """Who this process is on the bus."""
        return self.origin.identity


def plan(loaded: Loaded, options: Mapping[str, Any], origin: Origin) -> Plan:
    """The plan for rules that have no errors; SettingError where the options do not fit them."""
    loads = loading(loaded)
    book = loads.book if loads else None
    if loads is None or book is None or book.broker is None or not book.broker.zones:
        raise SettingError(
            "The rules name no broker: add a `broker` block to them, or give one with --broker-file FILE."
        )
    servers(book.broker)  # a URL that cannot be read is told now, not at the first connection
    login = secrets.login(book.broker.login, secrets.folder(options["secrets"]))
    return Plan(
        loads,
        book.broker,
        login,
        origin,
        options["workers"],
        options["drain-timeout"],
        options.get("control"),
        options.get("state"),
        options.get("state-age", 3600.0),
        bool(options.get("watch")),
        address(options["http"]) if options.get("http") else None,
        options.get("pid-file"),
        provider_for(origin.identity, asked=bool(options.get("otel"))),
    )
