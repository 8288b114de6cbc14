"""Where a call comes from, as far as limits are concerned."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address


@lru_cache(maxsize=4096)
def network_of(host: str | None) -> str:
    """The name under which a peer is counted: its IPv4 address or its IPv6 network. Those without either share one.

    One IPv6 subscriber has at least a /64 (RFC 6177), so a single address of it says nothing about who is calling.
    """
    try:
        address = ip_address(host or "")
    except ValueError:
        return "local"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> 64 << 64, 64)))
