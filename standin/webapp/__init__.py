"""The web application: page, script, login, data."""
