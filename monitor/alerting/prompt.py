"""Which components are checked so often that their silence together says the platform itself is down."""

from monitor.config import Config


def prompt_components(config: Config) -> tuple[str, ...]:
    """The components with a probe whose interval is at most `alerting.rules.prompt`, in the configuration's order."""
    longest_seconds = config.alerting.rules.prompt
    prompt = {probe.component for probe in config.probes if probe.every_seconds <= longest_seconds}
    return tuple(terms.key for terms in config.components if terms.key in prompt)
