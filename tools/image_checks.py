"""Tries an image without an engine: `tools/image-test` calls this, in namespaces of its own, with the image's root.

What compose.yaml says of its services holds here too: their commands, environments, mounts and users, a read-only root
and no capability. Each has an address of loopback. Not shown is what only an engine has: a seccomp profile, its init.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent.parent
BROKER = (HERE / ".servers/usr/sbin/mosquitto", HERE / ".servers/usr/lib/x86_64-linux-gnu")
NOT_INSIDE = ("gcc", "cc", "make", "pip", "pip3", "uv", "git", "curl", "wget")
ADDRESSES = {"uptime": "127.0.0.1", "alertmanager": "127.0.0.1", "standin": "127.0.0.2", "mosquitto": "127.0.0.3"}
STOP_SECONDS = 30.0
LOGGED = 4000  # characters of each log, where something fails


class Failed(Exception):
    """The image is not what it should be."""


def say(text: str) -> None:
    sys.stdout.write(f"ok  {text}\n")
    sys.stdout.flush()


def expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)


def until(condition: Callable[[], object], what: str, seconds: float) -> None:
    over = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < over, f"not within {seconds:g} s: {what}")
        time.sleep(0.2)


class Image:
    """The image's root with what an engine adds: /dev, /proc, names, mount points; then read-only."""

    def __init__(self, root: Path, config: Mapping[str, Any], volumes: Path) -> None:
        self.config, self._root, self._volumes = config, root, volumes
        self.variables: dict[str, str] = {}
        self._services: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]

    def prepare(self) -> None:
        mount("--make-rprivate", "/")
        mount("--bind", str(self._root), str(self._root))
        for kind in ("dev", "proc", "tmp"):
            (self._root / kind).mkdir(exist_ok=True)
        mount("--rbind", "/dev", str(self._root / "dev"))
        mount("-t", "proc", "proc", str(self._root / "proc"))
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(self._root / "tmp"))
        hosts = self._volumes / "hosts"
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{ip} {name}\n" for name, ip in ADDRESSES.items()))
        (self._root / "etc/hosts").touch()
        for place in ("/etc/hosts", str(self._root / "etc/hosts")):
            mount("--bind", str(hosts), place)
        for service in ("standin", "uptime", "pager", "rules"):
            for source, target in self._mounts(service):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch() if source.is_file() else target.mkdir(exist_ok=True)
        mount("-o", "remount,ro,bind", str(self._root))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def _mounts(self, service: str) -> list[tuple[Path, Path]]:
        found = []
        for volume in self._services[service]["volumes"]:
            source, target = volume.split(":")[:2]
            if source.startswith("."):
                here = HERE / source
            else:
                here = self._volumes / source
                here.mkdir(exist_ok=True)
                shutil.chown(here, 10001, 10001)
            found.append((here, self._root / target.lstrip("/")))
        return found

    def command(self, service: str, *arguments: str, **more: str) -> list[str]:
        """The command line that runs this in the service's container; without arguments, what the service runs."""
        settings = self._services[service]
        entrypoint = settings.get("entrypoint", self.config["Entrypoint"])
        argv = arguments or (*entrypoint, *settings.get("command", () if "entrypoint" in settings else ["run"]))
        user, group = self.config["User"].split(":")
        become = f"--reuid={user} --regid={group} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
        binds = " && ".join(f"mount --bind {source} {target}" for source, target in self._mounts(service))
        variables = {
            **dict(line.split("=", 1) for line in self.config["Env"]),
            **environment(settings),
            **self.variables,
            **more,
        }
        set_them = [f"{name}={text}" for name, text in variables.items()]
        inside = ["env", "-i", "-C", self.config["WorkingDir"], *set_them, *argv]
        chroot = f'exec chroot {self._root} setpriv {become} "$@"'
        return ["unshare", "--mount", "sh", "-c", f"{binds} && {chroot}", "sh", *inside]

    def run(self, *arguments: str, seconds: float = 120, **more: str) -> "subprocess.CompletedProcess[str]":
        """In the daemon's container."""
        return subprocess.run(
            self.command("uptime", *arguments, **more), capture_output=True, text=True, timeout=seconds, check=False
        )

    @contextmanager
    def service(self, name: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
        with (self._volumes / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([*self.command(name), *options], stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)

    def log(self, name: str) -> str:
        return (self._volumes / f"{name}.log").read_text()


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Of the service's file, which is the demo's."""
    if "env_file" not in service:
        return {}
    lines = (HERE / "config/compose/demo.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def built_as_promised(image: Image) -> None:
    config = image.config
    expect(config["User"] == "10001:10001", f"it runs as {config['User']}")
    expect(config["Entrypoint"] == ["efento-uptime"] and config["Cmd"] == ["run"], "it starts something else")
    expect(config["StopSignal"] == "SIGTERM", "it is not stopped by SIGTERM")
    expect(config["Healthcheck"]["Test"][:2] == ["CMD", "efento-uptime"], "it has no health check")
    expect(image.run("id", "-u").stdout.strip() == "10001", "the user is another one")
    say("entry point, health check, stop signal, user 10001")


def nothing_but_the_product(image: Image) -> None:
    found = [name for name in NOT_INSIDE if image.run("sh", "-c", f"command -v {name}").returncode == 0]
    expect(not found, f"it has {', '.join(found)}")
    for python in ("python", "/usr/bin/python3"):
        expect(image.run(python, "-c", "import pip").returncode, f"{python} has pip")
    left = image.run("sh", "-c", "ls /var/lib/apt/lists/* /root/.cache 2>/dev/null").stdout.split()
    expect(not left, f"caches were left: {left}")
    say(f"neither {', '.join(NOT_INSIDE)} nor a cache is in it")


def read_only(image: Image) -> None:
    for folder in ("/", "/opt/efento-uptime", "/etc/efento-uptime", "/usr/bin"):
        refused = image.run("python", "-c", f"open('{folder}/x', 'w')")
        expect("OSError" in refused.stderr or "PermissionError" in refused.stderr, f"{folder} can be written")
    for folder in ("/data", "/tmp"):
        expect(image.run("python", "-c", f"open('{folder}/x', 'w')").returncode == 0, f"{folder} cannot be written")
    say("only /data and /tmp can be written")


def its_own_configuration(image: Image) -> None:
    """Without an environment the agreement's file asks for what it needs: so it is found, and read."""
    told = image.run("efento-uptime", "config", "validate", EFENTO_UPTIME_CONFIG="/etc/efento-uptime/efento-cloud.yaml")
    expect(told.returncode == 2 and "EFENTO_COAP_HOST" in told.stdout + told.stderr, f"it says {told}")
    say("without its settings it names each that is missing")


@contextmanager
def broker(image: Image, volumes: Path) -> Iterator[None]:
    """A real one with the demo's settings, outside of the image; without one the stand-in's own has to do."""
    command, libraries = BROKER
    if not command.exists():
        image.variables["DEMO_MQTT_HOST"] = "standin"
        yield
        return
    settings = (HERE / "config/compose/mosquitto.conf").read_text()
    (volumes / "mosquitto.conf").write_text(
        settings.replace("listener 1883", f"listener 1883 {ADDRESSES['mosquitto']}")
    )
    with (volumes / "mosquitto.log").open("wb") as log:
        process = subprocess.Popen(
            [command, "-c", volumes / "mosquitto.conf"], env={"LD_LIBRARY_PATH": str(libraries)}, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def probes_beside_a_daemon() -> list[str]:
    """Alarms are the daemon's while it runs, and a mailed report holds nothing to verify in the first minute."""
    found = yaml.safe_load((HERE / "config/demo.yaml").read_text())["probes"]
    skipped = ("notification_email", "notification_sms", "frontend_browser")
    return [probe["id"] for probe in found if probe["kind"] not in skipped and "mail" not in probe["options"]]


def rules_are_made(image: Image, volumes: Path) -> None:
    """By one user, read by Prometheus' as another."""
    done = subprocess.run(image.command("rules"), capture_output=True, text=True, check=False)
    files = list((volumes / "rules").glob("*.yml"))
    expect(done.returncode == 0 and files, f"no rules: {done.stderr}")
    expect(all(file.stat().st_mode & 0o004 for file in files), "nobody else may read the rules")
    say(f"{len(files)} files of rules for Prometheus")


def the_demo_works(image: Image, volumes: Path) -> None:
    standin = image.service("standin", f"--host={ADDRESSES['standin']}")
    with ExitStack() as stack:
        stack.enter_context(standin)
        until((volumes / "standin/addresses.json").exists, "the stand-in listens", 30)
        stack.enter_context(broker(image, volumes))  # as in compose, only now: a bridge that fails pauses for seconds
        pager = stack.enter_context(image.service("pager"))
        rules_are_made(image, volumes)
        expect(pager.poll() is None, f"the pager ended: {image.log('pager')}")
        began = time.monotonic()
        with image.service("uptime") as daemon:
            until(lambda: image.run("efento-uptime", "health", "--alive").returncode == 0, "the daemon answers", 30)
            until(lambda: image.run("efento-uptime", "health").returncode == 0, "the daemon is ready", 60)
            say(f"the daemon watches the stand-in; ready after {time.monotonic() - began:.0f} s")
            until(lambda: image.run("efento-uptime", "check", "ingest-mqtt").returncode == 0, "the bridge stands", 60)
            checked = image.run("efento-uptime", "check", *probes_beside_a_daemon())
            expect(checked.returncode == 0, f"check: exit {checked.returncode}\n{checked.stdout}{checked.stderr}")
            say("each probe that may look beside a daemon finds the stand-in up")
            daemon.terminate()
            expect(daemon.wait(STOP_SECONDS) == 0, f"it does not stop in order: {image.log('uptime')}")
    expect((volumes / "uptime/uptime.db").stat().st_uid == 10001, "the store belongs to somebody else")
    say("SIGTERM stops it in order; the store is in the volume")


def what_was_left_out_is_not_missed(image: Image) -> None:
    done = image.run("efento-uptime", "report", time.strftime("%Y-%m"), "--output", "/tmp", seconds=300)
    expect(done.returncode == 0, f"no report: {done.stdout}{done.stderr}")
    parquet = "import io, pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'a': [1]}), io.BytesIO())"
    wrote = image.run("python", "-c", parquet)
    expect(wrote.returncode == 0, wrote.stderr)
    say("reports as PDF and results as Parquet can be written")


def main(root: Path, described: Path, volumes: Path) -> int:
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(volumes))  # gone with the namespace
    image = Image(root, json.loads(described.read_text())["Docker"]["config"], volumes)
    try:
        image.prepare()
        for check in (built_as_promised, nothing_but_the_product, read_only, its_own_configuration):
            check(image)
        the_demo_works(image, volumes)
        what_was_left_out_is_not_missed(image)
    except (Failed, subprocess.SubprocessError) as problem:
        for log in sorted(volumes.glob("*.log")):
            sys.stderr.write(f"--- {log.name}\n{log.read_text()[-LOGGED:]}\n")
        sys.stderr.write(f"the image is not as it should be: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
