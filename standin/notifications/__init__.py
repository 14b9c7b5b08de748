"""Alert rules, and the mails and SMS that they send."""
