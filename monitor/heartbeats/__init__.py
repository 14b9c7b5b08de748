"""Who notices that this daemon has died or does not do its work: a URL that it calls (`pings`), and the service manager
that started it (`systemd`). In turn, what this daemon notices of others that call it (`peers`). What "does its work"
means is in `condition`, how a URL is called in `calling`.
"""

from monitor.heartbeats.condition import Condition
from monitor.heartbeats.peers import Peers
from monitor.heartbeats.pings import Pings
from monitor.heartbeats.systemd import ServiceManager

__all__ = ["Condition", "Peers", "Pings", "ServiceManager"]
