"""`efento-uptime config`: is a file right, what is in force, and what may be in it."""

from pathlib import Path

import click

from monitor.commands.options import EXIT_CONFIGURATION, checked_config, config_file, config_option, load_config

_FILE = click.Path(path_type=Path)


@click.group("config")
def config() -> None:
    """Validate, show or describe the configuration."""


@config.command("validate")
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...")
@config_option
def validate(files: tuple[Path, ...], config_path: str | None) -> None:
    """Check files and print every problem with its line. Exit code 2 where there is one that is not a mere warning."""
    _only_once(bool(files), config_path)
    checked = [checked_config(file) for file in files or (config_file(config_path),)]
    for found in filter(None, checked):
        click.echo(f"{found.path}: valid, {len(found.components)} components, {len(found.probes)} probes")
        for warning in found.warnings:
            click.echo(warning, err=True)
    if None in checked:
        raise click.exceptions.Exit(EXIT_CONFIGURATION)


@config.command("show")
@click.argument("file", required=False, type=_FILE)
@config_option
def show(file: Path | None, config_path: str | None) -> None:
    """Print the configuration in force as YAML: every default filled in, secrets masked."""
    _only_once(file is not None, config_path)
    from monitor.config.showing import as_yaml

    click.echo(as_yaml(load_config(str(file) if file else config_path)), nl=False)


@config.command("schema")
@click.option("--format", "form", type=click.Choice(["json", "markdown"]), default="json", show_default=True)
def schema(form: str) -> None:
    """Print the rules of the file: JSON Schema for an editor, or Markdown tables for people."""
    import json

    from monitor.config.schema import json_schema, markdown
    from probes import discover

    kinds = discover()
    text = markdown(kinds) if form == "markdown" else json.dumps(json_schema(kinds), indent=2, ensure_ascii=False)
    click.echo(text.rstrip("\n"))


def _only_once(named: bool, config_path: str | None) -> None:
    if named and config_path:
        raise click.UsageError("a file is named, and another one with --config; expected one of the two")
