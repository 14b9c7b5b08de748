"""Users, organisations, devices, alert rules and invitations."""
