"""Writes the dashboards' JSON: `python -m grafana`."""

from pathlib import Path

import click

from grafana.frame import Site
from grafana.written import files

DASHBOARDS = Path(__file__).resolve().parent / "dashboards"


@click.command()
@click.option("--uptime", default=Site().uptime, show_default=True, help="Address of the daemon's pages, for links.")
@click.option("--zone", default=Site().zone, show_default=True, help="Time zone of the agreement.")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=DASHBOARDS, help="Folder to write to.")
def main(uptime: str, zone: str, folder: Path) -> None:
    """Write the dashboards as JSON, for Grafana's provisioning."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files(Site(uptime.rstrip("/"), zone)).items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(folder / name)


if __name__ == "__main__":
    main()
