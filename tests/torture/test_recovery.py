"""When all was well again, by what a record says."""

import pytest

from fireside.torture.record import Acked, Befell, Closed, Handed, Line, Opened, Row, Sent
from fireside.torture.recovery import Recovery, recoveries

KILLED = [Befell(at=10, what="kill"), Befell(at=12, what="kill", over=True)]
ROW = Row("group", 1, "id", "ann", "one", "digest")
SENT = Sent(at=11, attempt=1, device="a1", user="ann", place="group", client_id="one", digest="digest")


def opened(at: float, connection: int, device: str = "a1") -> Opened:
    return Opened(at=at, connection=connection, device=device, user="ann", transport="polling")


def handed(at: float, device: str) -> Handed:
    return Handed(at=at, device=device, user="ann", row=ROW)


@pytest.mark.parametrize(
    ("happened", "took_s"),
    [
        pytest.param([], 2.0, id="nobody notices"),
        pytest.param([opened(1, 1), Closed(at=11, connection=1), opened(15, 2)], 5.0, id="somebody comes back"),
        pytest.param([opened(1, 1), Closed(at=12.5, connection=1), opened(15, 2)], 5.0, id="it is noticed later"),
        pytest.param([opened(1, 1), Closed(at=13.5, connection=1), opened(15, 2)], 2.0, id="by something else"),
        pytest.param([opened(1, 1), Closed(at=11, connection=1)], 2.0, id="somebody goes for good"),
        pytest.param([SENT, Acked(at=14, attempt=1, row=ROW)], 4.0, id="an acknowledgement comes late"),
        pytest.param([SENT, Acked(at=11.5, attempt=1, row=ROW), handed(16, "b1")], 6.0, id="a message comes late"),
        pytest.param(
            [SENT, Acked(at=11.5, attempt=1, row=ROW), Acked(at=17, attempt=1, row=ROW)],
            2.0,
            id="it was acknowledged before",
        ),
    ],
)
def test_all_is_well_when_everybody_is_back_and_has_everything(happened: list[Line], took_s: float) -> None:
    lines = sorted([*KILLED, *happened], key=lambda each: each.at)
    assert recoveries(lines) == [Recovery("kill", 2.0, took_s)]


def test_what_does_not_end_has_no_recovery() -> None:
    assert recoveries([KILLED[0], Befell(at=20, what="nothing any more", over=True)]) == []
