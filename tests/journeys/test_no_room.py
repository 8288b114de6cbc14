"""Where the process may open nothing more, who comes is sent away, those who are there go on, and it passes."""

import resource

import psutil

from tests.journeys.people import House
from tests.realtime.clients import Wire, head
from tests.realtime.served import eventually

ROOM, CROWD = 10, 40


async def knock(port: int) -> Wire | None:
    """Connect, ask something and stay; None for who is sent away."""
    wire = await Wire.open(port)
    try:
        await wire.write(head("GET", "/healthz", {}))
        answer = await wire.answer()
    except (ConnectionError, EOFError):
        wire.abort()
        return None
    assert answer.status == 200
    return wire


async def test_where_nothing_more_may_be_opened_those_who_are_there_go_on(own_house: House) -> None:
    port, process = own_house.server.port, psutil.Process(own_house.server.pid)
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    async with ann.device("websocket") as anns, bob.device("websocket") as bobs:
        said = [await anns.send(bob, "before")]
        _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (process.num_fds() + ROOM, most))
        crowd = [await knock(port) for _ in range(CROWD)]
        assert crowd.count(None) >= CROWD - ROOM
        said += [await anns.send(bob, f"meanwhile {number}") for number in range(10)]
        assert [await bobs.heard() for _ in said] == said
        guests = [guest for guest in crowd if guest is not None]
        assert guests
        before = process.num_fds()
        for guest in guests:
            guest.abort()
        await eventually(lambda: process.num_fds() <= before - len(guests))
        back = await knock(port)
        assert back is not None
        back.abort()
        assert (anns.connects, bobs.connects) == (1, 1)
