"""`python -m monitor` is `efento-uptime`."""

from monitor.cli import main

main(prog_name="efento-uptime")
