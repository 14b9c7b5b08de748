"""Where configuration files are found."""

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "EFENTO_UPTIME_CONFIG"
STANDARD = "efento-cloud.yaml"

_MONITOR = Path(__file__).resolve().parent.parent


def shipped_config(name: str) -> Path:
    """A configuration that comes with the product: inside the installed package, or in the checkout's `config/`."""
    installed = _MONITOR / "shipped_config" / name
    return installed if installed.exists() else _MONITOR.parent / "config" / name


def find_config(given: Path | None, environ: Mapping[str, str]) -> Path:
    """The file to use: the one given, else the environment's, else the working directory's, else the shipped one."""
    if given is not None:
        return given
    if named := environ.get(VARIABLE):
        return Path(named)
    local = Path("config") / STANDARD
    return local if local.exists() else shipped_config(STANDARD)
