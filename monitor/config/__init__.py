"""The configuration: one YAML file, checked as a whole before anything starts.

`model`, `inbound` and `fields` say what a file may hold, `values` how durations and percentages are written,
`references` how secrets stay outside, `checks` compares entries, `loading` makes the `Config` that the daemon uses,
`report` words the problems, `showing` and `schema` write a configuration and its rules out again. A new key is a field
in `model`; a new probe needs nothing here.
"""

from monitor.config.files import find_config, shipped_config
from monitor.config.heartbeats import PeerEntry, PingSection
from monitor.config.inbound import SMTP_CHANNEL, Inbound, SmtpSection, WebhookSection
from monitor.config.loading import Config, ConfigError, ProbeConfig, load
from monitor.yaml_source import Problem

__all__ = [
    "SMTP_CHANNEL",
    "Config",
    "ConfigError",
    "Inbound",
    "PeerEntry",
    "PingSection",
    "ProbeConfig",
    "Problem",
    "SmtpSection",
    "WebhookSection",
    "find_config",
    "load",
    "shipped_config",
]
