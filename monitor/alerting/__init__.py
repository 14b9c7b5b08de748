"""Alerts that the daemon raises itself: which ones hold now, and how the Alertmanagers are told of them.

`alerts` says which hold, `watch` when to look, `push` tells one Alertmanager, `api` speaks its language. Nothing is
imported here: rules are made from `prompt` and `alerts` alone.
"""
