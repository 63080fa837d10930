"""Experiments with nodes: killed, stopped, cut from each other, short of memory."""

from chaos.result import Result
from chaos.trial import DEAD_LIMIT, Ground, Trial

HEALED_WITHIN = 15.0
"""Seconds that a healed cluster may need until its queues have leaders again."""


async def killed_with_a_backlog(ground: Ground) -> Result:
    """Kill -9 of the active node while 40,000 events wait."""
    trial = Trial(ground, "node killed, backlog", gap=DEAD_LIMIT)
    await trial.begin(preload=ground.many())
    trial.start_service()
    await trial.handled_at_least(ground.many() // 10)
    ground.cluster.nodes[0].kill()
    trial.breaks += 1
    return await trial.concluded()


async def killed_under_load(ground: Ground) -> Result:
    """Kill -9 of the active node under a steady 2,000 events a second."""
    trial = Trial(ground, "node killed, steady load", gap=DEAD_LIMIT)
    await trial.begin()
    trial.start_service()
    await trial.consuming()
    ground.reactor.callLater(ground.seconds(5, 1.5), ground.cluster.nodes[0].kill)
    trial.breaks += 1
    await trial.party.publish_steadily(2_000 if ground.scale >= 1 else 500, ground.seconds(20, 4.0))
    return await trial.concluded()


async def killed_three_times(ground: Ground) -> Result:
    """Kill -9 of whichever node is next, three times in a row."""
    trial = Trial(ground, "nodes killed, three times in a row", gap=DEAD_LIMIT)
    await trial.begin(preload=ground.many())
    trial.start_service()
    for turn, node in enumerate(ground.cluster.nodes[:3]):
        await trial.handled_at_least(ground.many() * (turn + 1) // 5)
        node.kill()
        trial.breaks += 1
        await trial.pause(1.0)
        await trial.on(node.start)
        await trial.on(ground.cluster.wait_until_whole)  # two of three are a majority, one is not
    return await trial.concluded()


async def stopped(ground: Ground) -> Result:
    """SIGSTOP of the active node for 60 s: it accepts, and says nothing."""
    trial = Trial(ground, "node silent (SIGSTOP)", gap=ground.silent_limit)
    await trial.begin(preload=ground.many())
    trial.start_service()
    await trial.handled_at_least(ground.many() // 10)
    ground.cluster.nodes[0].pause()
    trial.breaks += 1
    seconds = ground.silence()
    ground.reactor.callLater(seconds, ground.cluster.nodes[0].resume)
    await trial.pause(seconds + 1)
    return await trial.concluded()


async def alarmed(ground: Ground) -> Result:
    """A memory alarm for 20 s in the middle: publishing is blocked, acks and heartbeats go on."""
    trial = Trial(ground, "memory alarm while publishing")
    await trial.begin(preload=ground.many())
    trial.start_service()
    await trial.handled_at_least(ground.many() // 10)
    node = ground.cluster.nodes[0]
    await trial.on(lambda: node.memory_alarm(on=True))
    await trial.pause(ground.seconds(20, 4))
    await trial.on(lambda: node.memory_alarm(on=False))
    return await trial.concluded()


async def cut_in_two(ground: Ground) -> Result:
    """The active node is cut from the other two for 20 s, then they meet again."""
    lasts = ground.seconds(20, 8)
    # Erlang parts the other two as well at times (it prevents overlapping partitions), and until all
    # is healed no side has the majority that quorum queues need: then nobody can be given anything.
    trial = Trial(ground, "cluster cut in two and healed", gap=lasts + HEALED_WITHIN)
    await trial.begin(preload=ground.many())
    trial.start_service()
    await trial.handled_at_least(ground.many() // 10)
    active, *others = ground.cluster.nodes
    await trial.on(ground.cluster.partition, [active], others)
    trial.breaks += 1
    await trial.pause(lasts)
    await trial.on(ground.cluster.heal, [active], others)
    trial.breaks += 1  # the minority comes back
    return await trial.concluded()
