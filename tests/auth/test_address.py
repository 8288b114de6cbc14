"""Under which name a peer is counted."""

import pytest

from fireside.auth.address import network_of


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        (None, "local"),
        ("", "local"),
        ("testclient", "local"),
    ],
)
def test_a_peer_is_its_ipv4_address_or_its_ipv6_network(host: str | None, network: str) -> None:
    assert network_of(host) == network
