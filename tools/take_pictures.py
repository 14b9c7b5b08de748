"""Takes the documentation's pictures: `python -m tools.take_pictures`; needs Chromium.

Those of pages are from a running demo, those of the report from a simulated year, the same every time. Look at them
afterwards. The digest tells a test when what they show has changed.
"""

import asyncio
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from json import load as load_json
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SHOWN = (
    "monitor/web/templates/layout.html",
    "monitor/web/templates/parts.html",
    "monitor/web/templates/status.html",
    "monitor/web/templates/style.css",
    "monitor/commands/check.py",
    "monitor/reports/templates/report.html",
    "monitor/reports/templates/report.css",
    "monitor/reports/pictures.py",
)
COMMAND = (sys.executable, "-m", "monitor")
START_SECONDS = 40
ATTEMPTS = 5


def digest() -> str:
    """Of all files that decide what the pictures look like."""
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in SHOWN)).hexdigest()


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    _pictures_of_a_report()
    with tempfile.TemporaryDirectory() as folder:
        demo = subprocess.Popen(
            (*COMMAND, "demo", "--port", "0", "--data", folder), cwd=ROOT, stdout=subprocess.DEVNULL
        )
        try:
            addresses = Path(folder) / "addresses.json"
            _wait_for(addresses.exists)
            with addresses.open() as file:
                found = load_json(file)
            status = found["daemon"]["status"]["url"]
            _wait_for(lambda: b"All watched components are up" in _page(status))
            _picture_of_a_check(Path(folder))
            subprocess.run(
                (*COMMAND, "standin", "fault", "--data", folder, "on", "coap", "accept-and-drop"), check=True
            )
            _wait_for(lambda: b"Outage since" in _page(status))
            _screenshot(status, PICTURES / "status.png", "1000,2500")
        finally:
            demo.terminate()
            demo.wait()
    (PICTURES / "digest.txt").write_text(digest() + "\n")


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the demo does not show what the picture is to show")
        time.sleep(0.2)


def _page(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content


def _picture_of_a_check(folder: Path) -> None:
    """Runs `check` beside the demo and draws its table as it stands on a terminal."""
    from rich.console import Console
    from rich.text import Text

    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "100"}
    command = f". {folder / 'demo.env'}; exec {' '.join(COMMAND)} check"
    for _attempt in range(ATTEMPTS):  # where a round of the daemon's is open, a check cannot tell
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    else:
        raise RuntimeError(f"not everything is up: {done.stdout}")
    console = Console(record=True, width=100, file=io.StringIO())
    console.print("$ efento-uptime check", highlight=False)
    console.print(Text.from_ansi(done.stdout))
    console.save_svg(str(PICTURES / "check.svg"), title="efento-uptime")


def _pictures_of_a_report() -> None:
    """Its first page, and the days and the budget of its first component, for a year that is over."""
    from monitor.clock import ManualClock
    from monitor.config import load, shipped_config
    from monitor.demo_past import record_past

    over = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Warsaw"))
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DEMO_STORE": f"sqlite:///{folder}/uptime.db"}
        config = shipped_config("demo.yaml")
        asyncio.run(record_past(load(config, environment), ManualClock(over + timedelta(minutes=10))))
        page = Path(folder) / "report.html"
        arguments = ("report", "2025", "--as-of", over.isoformat(), "-o", str(page), "-c", str(config))
        subprocess.run((*COMMAND, *arguments), cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        _screenshot(page.as_uri(), PICTURES / "report.png", "1000,870")
        days, budget = re.findall(r"<svg.*?</svg>", page.read_text(encoding="utf-8"), re.DOTALL)[:2]
    for name, picture in (("report-days.svg", days), ("report-budget.svg", budget)):
        # A page with a dark background shows through where nothing is painted.
        on_white = re.sub("(<svg[^>]*>)", r'\1<rect width="100%" height="100%" fill="#ffffff" />', picture, count=1)
        (PICTURES / name).write_text(on_white + "\n", encoding="utf-8")


def _screenshot(url: str, to: Path, size: str) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        raise FileNotFoundError("Chromium is not here: install Debian's package chromium")
    with tempfile.TemporaryDirectory() as profile:
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        flags += f" --disable-component-update --disable-sync --hide-scrollbars --window-size={size}"
        command = (browser, *flags.split(), f"--user-data-dir={profile}", f"--screenshot={to}", url)
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
