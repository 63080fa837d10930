"""The service on the tests' own reactor, with rules that change while it runs."""

from dataclasses import replace

from twisted.internet import reactor

from kzrules.message.identity import Identity
from kzrules.service.plan import Origin, plan
from kzrules.service.service import KzService

OPTIONS = {"secrets": None, "workers": 4, "drain-timeout": 10.0}


class InProcess:
    """A service whose inside a test can see."""

    def __init__(self, folder, url, rules, **planned):
        """`planned` stands in the place of what options would say."""
        self.rules = folder / "rules.kzr"
        self.rules.write_text(rules)
        (folder / "broker.kzr").write_text(f'broker {{ "{url}" }}\n')
        identity = Identity("host", "kzrules", "1", "one")
        origin = Origin((str(self.rules),), {}, str(folder / "broker.kzr"), identity)
        self.service = KzService(replace(plan(origin.load(), OPTIONS, origin), **planned), reactor)

    @property
    def status(self):
        return self.service.status

    def consumer(self, name):
        """The consumer of a subscription."""
        return self.service.parts.consumers[name, "local"]

    async def reload(self, rules):
        """Write other rules and load them."""
        self.rules.write_text(rules)
        return await self.service.reload.again("test")
