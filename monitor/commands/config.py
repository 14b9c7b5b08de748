"""`efento-uptime config`: is a file right, what is in force, and what may be in it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.options import EXIT_CONFIGURATION, config_file, config_option, json_option, load_config

if TYPE_CHECKING:
    from monitor.config import Config, Problem

_FILE = click.Path(path_type=Path)


@click.group("config")
def config() -> None:
    """Validate, show or describe the configuration."""


@config.command("validate")
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...")
@config_option
@json_option
def validate(files: tuple[Path, ...], config_path: str | None, as_json: bool) -> None:
    """Check files and print every problem with its line. Exit code 2 where there is one that is not a mere warning.

    Of valid files it also says where what is configured cannot support what is promised, and what to know of a figure.
    """
    import json

    _only_once(bool(files), config_path)
    checked = [_Checked(file) for file in files or (config_file(config_path),)]
    if as_json:
        click.echo(json.dumps([each.as_json() for each in checked], indent=2, ensure_ascii=False))
    else:
        for each in checked:
            each.print()
    if not all(each.config for each in checked):
        raise click.exceptions.Exit(EXIT_CONFIGURATION)


class _Checked:
    """A file, and all that there is to say of it."""

    def __init__(self, file: Path) -> None:
        from monitor.config import ConfigError, Problem, load
        from monitor.config.honesty import Level, findings
        from monitor.yaml_source import printed, read

        self.file = file
        self.config: Config | None = None
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.notes: list[Problem] = []
        try:
            self.config = load(file, os.environ)
        except ConfigError as error:
            self.problems = error.problems
            return
        document = read(file)
        for found in findings(self.config):
            text = f"{found.level}: {found.text}"
            problem = Problem(document.file, document.line(found.loc), printed(found.loc), text)
            (self.warnings if found.level is Level.WARNING else self.notes).append(problem)

    def print(self) -> None:
        """What holds on standard output, what should be mended on standard error."""
        for problem in self.problems:
            click.echo(problem, err=True)
        if self.config is None:
            return
        counts = f"{len(self.config.components)} components, {len(self.config.probes)} probes"
        click.echo(f"{self.config.path}: valid, {counts}")
        for warning in (*self.config.warnings, *self.warnings):
            click.echo(warning, err=True)
        for note in self.notes:
            click.echo(note)

    def as_json(self) -> dict[str, Any]:
        def listed(problems: "list[Problem]") -> list[dict[str, Any]]:
            return [{"line": each.line, "path": each.path, "text": each.text} for each in problems]

        return {
            "file": str(self.file),
            "valid": self.config is not None,
            "problems": listed(self.problems),
            "warnings": listed([*(self.config.warnings if self.config else ()), *self.warnings]),
            "notes": listed(self.notes),
        }


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


@config.command("prometheus")
@click.argument("file", required=False, type=_FILE)
@click.option("--out", "folder", metavar="FOLDER", type=_FILE, help="Write files into it instead of printing one.")
@config_option
def prometheus(file: Path | None, folder: Path | None, config_path: str | None) -> None:
    """Make Prometheus' alert rules out of the configuration. Reload Prometheus afterwards."""
    _only_once(file is not None, config_path)
    from monitor.alert_rules import one_file, rule_files
    from monitor.files import write_atomically

    loaded = load_config(str(file) if file else config_path)
    if folder is None:
        click.echo(one_file(loaded), nl=False)
        return
    try:
        for name, text in rule_files(loaded).items():
            write_atomically(folder / name, text)
            click.echo(folder / name)
    except OSError as error:
        raise click.ClickException(str(error)) from None


def _only_once(named: bool, config_path: str | None) -> None:
    if named and config_path:
        raise click.UsageError("a file is named, and another one with --config; expected one of the two")
