"""Our own mailbox, in which the platform's mails arrive: by IMAP, or through the daemon's SMTP receiver.

Nothing that fails here is the platform's failure.
"""
