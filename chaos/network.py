"""Experiments with the network between the service and its broker, and with lists of brokers."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from chaos.result import Result
from chaos.trial import PASSWORD, USER, Ground, Trial
from kzrules.broker.link import links
from kzrules.language.program import BrokerSpec, ZoneSpec
from testbed.proxy import Proxy

if TYPE_CHECKING:
    from kzrules.broker.session import Session

TIMEOUT = 2.0
"""`connection_timeout` of the lists, which is also its default."""


def through(
    name: str,
    misbehave: Callable[[Proxy], None],
    lasting: Callable[[Ground], float],
    *,
    silent: bool = False,
) -> Callable[[Ground], Awaitable[Result]]:
    """An experiment in which the first broker is reached through a proxy that begins to misbehave."""

    async def experiment(ground: Ground) -> Result:
        port = ground.cluster.nodes[0].amqp_port
        proxy = Proxy(ground.reactor, port).start()
        trial = Trial(ground, name, gap=ground.silent_limit if silent else None)
        proxied = trial.urls[0].replace(f":{port}", f":{proxy.port}")
        await trial.begin(service_urls=[proxied, *trial.urls[1:]], preload=ground.many())
        trial.start_service()
        await trial.handled_at_least(ground.many() // 10)
        misbehave(proxy)
        lasts = lasting(ground)
        trial.breaks += max(1, int(lasts / 3)) if misbehave is cut_often else 1
        await trial.pause(lasts)
        proxy.passing()
        try:
            return await trial.concluded()
        finally:
            await proxy.stop()

    experiment.__doc__ = name
    return experiment


def cut_often(proxy: Proxy) -> None:
    """Every 3 s."""
    proxy.cut_every(3.0)


def slow(proxy: Proxy) -> None:
    """By 500 ms, in each direction."""
    proxy.delaying(0.5)


swallowed = through("proxy swallows everything", Proxy.swallow, Ground.silence, silent=True)
delayed = through("proxy delays by 500 ms", slow, lambda ground: ground.seconds(20, 5))
cut = through("proxy cuts every 3 s", cut_often, lambda ground: ground.seconds(30, 7))
torn = through("proxy cuts in the middle of a frame", Proxy.cut_in_frame, lambda _: 5.0)


async def bad_lists(ground: Ground) -> Result:
    """Lists whose first two brokers do not exist, refuse, or hang in the handshake; the third is good."""
    trial = Trial(ground, "broker list: two of three are bad")
    silent = Proxy(ground.reactor, ground.cluster.nodes[0].amqp_port).start()
    silent.hang()
    login = f"amqp://{USER}:{PASSWORD}"
    bad = {
        "do not exist": f"{login}@no-such-host.invalid:5672/{trial.vhost}",
        "refuse": f"{login}@127.0.0.1:1/{trial.vhost}",
        "hang": f"{login}@127.0.0.1:{silent.port}/{trial.vhost}",
    }
    await trial.begin(service_urls=[bad["refuse"], bad["hang"], trial.urls[1]])
    for kind, url in bad.items():
        took = await _connected(ground, [url, url, trial.urls[1]])
        if took > 1.5 * TIMEOUT:
            trial.wrong.append(f"{took:.1f} s to the third where two {kind}")
    trial.start_service()
    await trial.consuming()
    await trial.party.publish(range(ground.many(4_000)))
    try:
        return await trial.concluded()
    finally:
        await silent.stop()


async def _connected(ground: Ground, urls: list[str]) -> float:
    """How long it takes to have a session with one of these."""
    began = ground.reactor.seconds()
    opened: Deferred[Session] = Deferred()
    spec = BrokerSpec((ZoneSpec("local", tuple(urls)),), connection_timeout=TIMEOUT)
    link = links(spec, None, ground.reactor, "list", opened.callback, lambda *_: None)["local"]
    link.start()
    await opened.addTimeout(20 * TIMEOUT, ground.reactor)
    took: float = ground.reactor.seconds() - began
    await link.stop()
    return took
