"""Where an address of the settings leads: what leaves this machine needs TLS, what does not may go without."""

from ipaddress import ip_address

__all__ = ["on_this_machine"]


def on_this_machine(host: str) -> bool:
    """Whether `host` (a name or an address, without a port) is this machine and nothing but."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
