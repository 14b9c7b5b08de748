"""The command `efento-uptime`. Each verb lives in `monitor/commands` and is imported only when it is asked for."""

import importlib

import click

# verb → (module in monitor.commands, its command's name there, help that is known without importing the module)
VERBS = {
    "check": ("check", "check", "Run probes once, now, and show their steps."),
    "config": ("config", "config", "Validate, show or describe the configuration."),
    "demo": ("demo", "demo", "Run the daemon against a stand-in platform on this machine."),
    "explain": ("explain", "explain", "Tell the story of one outage."),
    "export": ("export", "export", "Write stored results, runs and outages as files."),
    "health": ("health", "health", "Tell whether the daemon does its work."),
    "import": ("imports", "import_results", "Read results from newline-delimited JSON into the store."),
    "outage": ("outage", "outage", "Put on record what was done about an outage."),
    "outages": ("outages", "outages", "List the components' outages."),
    "recompute": ("recompute", "recompute", "Make a bundle's report anew, and hold it against its proofs."),
    "report": ("report", "report", "Report the figures of a year, a month or days, as files."),
    "run": ("run", "run", "Run the daemon."),
    "seal": ("seal", "seal", "Sign a digest of everything that was recorded since the last one."),
    "simulate": ("simulate", "simulate", "Record a simulated year, and hold our figures against the truth."),
    "standin": ("standin", "standin", "Run the stand-in platform, or switch its faults."),
    "uptime": ("uptime", "uptime", "Show every component's uptime figures."),
    "verify": ("verify", "verify", "Prove that nothing on record was changed since it was sealed."),
    "window": ("window", "window", "Declare maintenance, restores and excluded time."),
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, name, _help = VERBS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"monitor.commands.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, summary) for verb, (_module, _name, summary) in sorted(VERBS.items())])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="efento-uptime")
def main() -> None:
    """Synthetic uptime monitoring of Efento Cloud.

    Exit codes: 0 success; 1 something is down or failed; 2 wrong usage or configuration; 3 only unknown.
    """
