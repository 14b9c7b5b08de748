"""Uptime arithmetic as pure functions: nothing in here reads a clock, a file or a store.

The way of a figure: observations → `runs` → a probe's spans → a component's spans → `outages` and `availability`.
All times are integer milliseconds of Unix time in UTC; all intervals are half-open.
"""
