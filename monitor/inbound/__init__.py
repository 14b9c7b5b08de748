"""What the daemon receives: mails by SMTP (`smtp`), SMS by providers' webhooks (`webhooks`).

Both hand what came to a `Take` and answer the sender only after it returned: then the message is on disk. Neither
keeps, reads or judges a message: journeys do that, through their inbox.
"""

from monitor.inbound.smtp import receive_mail
from monitor.inbound.take import Take
from monitor.inbound.webhooks import routes

__all__ = ["Take", "receive_mail", "routes"]
