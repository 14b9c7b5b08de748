"""A browser for one check, in processes of its own that cannot outlive it.

`process` is the probing side. It starts `cage`, which starts `worker`, which drives Chromium through Playwright; the
two are run by path and import nothing of ours. So the probing process never loads Playwright, and never waits for it.
"""
