"""Prometheus' rules, made from a configuration: who is alerted of what is one list, and every threshold a setting.

`rule_files` makes them; `efento-uptime config prometheus` writes them. `outages`, `budgets`, `burning`, `watching` and
`hosts` each hold a few alerts and what on-call has to know of them. An alert that the daemon pushes too must have the
very labels that it has here: see `monitor.alerting`.
"""

from monitor.alert_rules.files import one_file, rule_files

__all__ = ["one_file", "rule_files"]
