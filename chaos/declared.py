"""Experiments with what stands at the broker: queues, exchanges and passwords change under a service."""

from twisted.internet.defer import Deferred

from chaos.party import EVENTS, IN
from chaos.result import Result
from chaos.trial import PASSWORD, USER, Ground, Trial
from kzrules.language.program import ExchangeSpec


async def queue_deleted(ground: Ground) -> Result:
    """The queue is deleted twice under load. What lay in it is gone; what had been delivered is not."""
    trial = Trial(ground, "queue deleted")
    await trial.begin()
    trial.start_service()
    await trial.consuming()
    seconds = ground.seconds(20, 6)
    publishing = Deferred.fromCoroutine(trial.party.publish_steadily(400, seconds))
    for _ in range(2):
        await trial.pause(seconds / 3)
        await trial.consuming()  # where it is not made again yet, there is nothing to delete
        await _delete_queue(trial)
    await publishing
    trial.all_received = True
    return await trial.concluded()


async def _delete_queue(trial: Trial) -> None:
    """Delete it, and excuse what goes with it: what lay in it, and what came while it was ending.

    The broker counts what lies in a quorum queue first and deletes it later: after milliseconds, or,
    where the load does not let its leader end, by force after 5 s. It is asked by its own console: a
    connection that waits for the answer to queue.delete may be told nothing for long.
    """
    confirmed = trial.party.published
    trial.excused += await trial.on(trial.ground.cluster.nodes[0].delete_queue, EVENTS, trial.vhost)
    trial.excused += trial.party.begun - confirmed
    trial.breaks += 1


async def exchange_changed(ground: Ground) -> Result:
    """The exchange is deleted and made again as another type, without its bindings."""
    trial = Trial(ground, "exchange deleted, made again as fanout")
    await trial.begin()
    trial.start_service()
    await trial.consuming()
    publishing = Deferred.fromCoroutine(trial.party.publish_steadily(400, ground.seconds(20, 4)))
    await trial.pause(ground.seconds(5, 1))
    session = await trial.party.session()
    channel = await session.open_channel()
    await channel.delete_exchange(IN)
    await channel.declare_exchange(ExchangeSpec(IN, "fanout", durable=True))
    await session.close()
    trial.breaks += 1
    await publishing
    return await trial.concluded()


async def password_changed(ground: Ground) -> Result:
    """The password is changed and every connection closed; after 10 s it is the old one again."""
    trial = Trial(ground, "password changed, and back")
    many = max(ground.many(), 4_000)  # fewer would be handled before the password is changed
    await trial.begin(preload=many)
    trial.start_service()
    await trial.handled_at_least(many // 10)
    await trial.on(ground.cluster.nodes[0].change_password, USER, "another")
    for node in ground.cluster.nodes:
        await trial.on(node.close_connections)
    trial.breaks += 1
    await trial.pause(ground.seconds(10, 4))
    await trial.on(ground.cluster.nodes[0].change_password, USER, PASSWORD)
    return await trial.concluded()
