"""Who lives in a town: by chance, and of each kind as many as there are to be."""

from collections import Counter
from random import Random

import pytest

from fireside.torture.town import kinds_of_devices


@pytest.mark.parametrize("clients", [8, 40, 200])
def test_half_of_the_devices_have_a_program_whatever_the_seed(clients: int) -> None:
    """With none of them a run is invalid: of eight that happened once in 256 times, where each was chosen by itself."""
    for seed in range(1000):
        kinds = kinds_of_devices(Random(seed), clients)
        assert sum(has_program for _, has_program in kinds) == clients // 2
        assert Counter(transport for transport, _ in kinds) == {
            "websocket": clients // 2,
            "polling": clients // 4,
            "upgrade": clients // 4,
        }


def test_another_seed_gives_others() -> None:
    assert kinds_of_devices(Random(1), 40) == kinds_of_devices(Random(1), 40) != kinds_of_devices(Random(2), 40)
