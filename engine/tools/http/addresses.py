"""Which network addresses a workflow's HTTP call may reach."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Network, IPv6Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


def _networks(*texts: str) -> Networks:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Cloud metadata services; the last three are neither link-local nor always seen as private.
_METADATA = _networks("169.254.169.254/32", "168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::/32")
_INTERNAL = _networks(
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10"),
    *("::1/128", "fc00::/7"),
)
_CLOSED: dict[str, Networks] = {
    "an unspecified address": _networks("0.0.0.0/8", "::/128"),
    "a multicast address": _networks("224.0.0.0/4", "ff00::/8"),
    "a link-local address": _networks("169.254.0.0/16", "fe80::/10", "fec0::/10"),
    # Where these end is decided by whoever translates them: mapped, translated, compatible, NAT64, 6to4, Teredo.
    "an address that carries another one": _networks(
        *("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
    ),
}


def refusal(text: str, *, allow_internal: bool) -> str:
    """Why this address may not be reached, in words; "" when it may.

    ``allow_internal`` opens private and loopback networks. Link-local, metadata, multicast, reserved and translated addresses stay closed.
    """
    address = ipaddress.ip_address(text)
    if _among(address, _METADATA):
        return "a metadata service"
    if _among(address, _INTERNAL):
        return "" if allow_internal else "an internal address"
    for kind, networks in _CLOSED.items():
        if _among(address, networks):
            return kind
    return "" if address.is_global else "not a public address"


def _among(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
