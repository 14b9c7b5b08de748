"""What holds for the project as a whole: who may import whom, what a checkout must not contain."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("probes", "standin", "monitor")

# Module or package → what of ours it may import. The longest matching entry holds; itself is always allowed.
ALLOWED = {
    "probes": {"probes"},
    "standin": {"standin", "probes.efento.proto"},
    "monitor.sla": {"monitor.sla"},
    "monitor.clock": set[str](),
    "monitor.yaml_source": set[str](),
    "monitor.version": set[str](),
    "monitor.calendars": set[str](),
    "monitor.words": {"monitor.clock", "monitor.sla"},
    "monitor.outage_log": {"monitor.clock", "monitor.config", "monitor.redaction", "monitor.sla", "monitor.store"},
    "monitor.files": set[str](),
    "monitor.redaction": set[str](),
    "monitor.logs": {"monitor.redaction"},
    "monitor.results": {"monitor.sla", "probes"},
    "monitor.facts": {"monitor.store", "probes"},
    "monitor.inbox": {"monitor.clock", "monitor.logs", "monitor.store", "probes.contract"},
    "monitor.undo": {"monitor.logs", "monitor.redaction", "probes.contract"},
    "monitor.receivers": {"monitor.clock", "monitor.config", "monitor.inbound"},
    "monitor.offline": {
        "monitor.clock",
        "monitor.config",
        "monitor.logs",
        "monitor.redaction",
        "monitor.runner",
        "probes.contract",
    },
    "monitor.config": {"monitor.config", "monitor.sla", "monitor.yaml_source", "monitor.clock", "probes"},
    "monitor.runner": {
        "monitor.clock",
        "monitor.config",
        "monitor.logs",
        "monitor.redaction",
        "monitor.results",
        "monitor.sla",
        "monitor.undo",
        "probes",
    },
    "monitor.store": {
        "monitor.store",
        "monitor.clock",
        "monitor.sla",
        "monitor.results",
        "probes.contract",
        "probes.efento.samples",
    },
    "monitor.seals": {"monitor.seals", "monitor.clock", "monitor.sla", "monitor.store", "monitor.version"},
    "monitor.reports": {"monitor.reports", "monitor.clock", "monitor.sla", "monitor.words"},
    "monitor.reports.making": {
        "monitor.reports",
        "monitor.calendars",
        "monitor.sla",
        "monitor.store",
        "monitor.version",
    },
    **{
        f"monitor.reports.{name}": {
            "monitor.reports",
            "monitor.clock",
            "monitor.seals",
            "monitor.sla",
            "monitor.store",
            "monitor.version",
        }
        for name in ("bundle", "bundle_contents", "bundle_file", "bundle_recompute", "bundle_rows", "bundle_seals")
    },
    "monitor.reports.__main__": {"monitor.reports", "monitor.sla", "monitor.store"},
    "monitor.schedule": {"monitor.clock", "monitor.config", "monitor.logs"},
    "monitor.picture": {"monitor.config", "monitor.results", "monitor.sla"},
    "monitor.on_board": {"monitor.picture", "monitor.sla"},
    "monitor.board": {
        "monitor.clock",
        "monitor.config",
        "monitor.on_board",
        "monitor.picture",
        "monitor.results",
        "monitor.sla",
    },
    "monitor.told": {"monitor.sla", "monitor.store"},
    "monitor.alert_rules": {
        "monitor.alert_rules",
        "monitor.alerting.prompt",
        "monitor.config",
        "monitor.sla.burn",
        "monitor.sla.model",
    },
    "monitor.alerting": {
        "monitor.alerting",
        "monitor.clock",
        "monitor.config",
        "monitor.logs",
        "monitor.metrics",
        "monitor.picture",
        "monitor.redaction",
        "monitor.results",
        "monitor.sla",
        "monitor.words",
    },
    "monitor.record_keeping": {
        "monitor.calendars",
        "monitor.clock",
        "monitor.config",
        "monitor.logs",
        "monitor.metrics",
        "monitor.results",
        "monitor.schedule",
        "monitor.sla",
        "monitor.store",
        "monitor.told",
        "probes.contract",
    },
    "monitor.metrics": {
        "monitor.metrics",
        "monitor.board",
        "monitor.picture",
        "monitor.config",
        "monitor.results",
        "monitor.sla",
        "probes.contract",
    },
    "monitor.heartbeats": {
        "monitor.heartbeats",
        "monitor.clock",
        "monitor.config",
        "monitor.logs",
        "monitor.results",
        "monitor.version",
    },
    "monitor.instants": {"monitor.clock"},
    "monitor.given": {"monitor.config", "monitor.instants", "monitor.redaction"},
    "monitor.declaring": {
        "monitor.clock",
        "monitor.config",
        "monitor.given",
        "monitor.outage_log",
        "monitor.sla",
        "monitor.store",
    },
    "monitor.declared": {"monitor.clock", "monitor.config", "monitor.sla"},
    "monitor.upkeep": {
        "monitor.clock",
        "monitor.config",
        "monitor.logs",
        "monitor.metrics",
        "monitor.seals",
        "monitor.store",
    },
    "monitor.web": {
        "monitor.web",
        "monitor.board",
        "monitor.picture",
        "monitor.told",
        "monitor.clock",
        "monitor.config",
        "monitor.declared",
        "monitor.words",
        "monitor.declaring",
        "monitor.given",
        "monitor.heartbeats",
        "monitor.logs",
        "monitor.store",
        "monitor.metrics",
        "monitor.sla",
        "probes.contract",
    },
    "monitor.simulation": {
        "monitor.simulation",
        "monitor.config",
        "monitor.schedule",
        "monitor.sla",
        "monitor.store",
    },
    "monitor.export": {"monitor.export", "monitor.clock", "monitor.sla", "monitor.store"},
    "monitor.exchange": {"monitor.clock", "monitor.config", "monitor.results", "monitor.sla", "monitor.store"},
}
ONLY_THE_COMMAND_LINE = "standin"


def modules() -> Iterator[tuple[str, Path]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def rule_of(module: str) -> str | None:
    return max((package for package in ALLOWED if inside(module, package)), key=len, default=None)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_go_in_one_direction(module: str, path: Path) -> None:
    ours = {name for name in imports(path) if name.partition(".")[0] in OURS}
    if not inside(module, "monitor.commands") and not inside(module, "standin"):
        assert not {name for name in ours if inside(name, ONLY_THE_COMMAND_LINE)}
    rule = rule_of(module)
    if rule is not None:
        wrong = {name for name in ours if not any(inside(name, allowed) for allowed in ALLOWED[rule])}
        assert not wrong, f"{module} must not import {wrong}"


def test_only_the_clock_reads_the_time() -> None:
    reads = re.compile(r"datetime\.(now|utcnow|today)\(|time\.(time|monotonic|time_ns)\(")
    allowed = {"monitor.clock", "standin.clock"}
    found = [module for module, path in modules() if module not in allowed and reads.search(path.read_text())]
    assert not found


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_address_of_a_package_index_is_in_the_project() -> None:
    names = ("index" + "-url", "pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npm")
    pattern = re.compile("|".join(names))
    found = [path for path in tracked() if pattern.search(path.read_text("utf-8", "ignore"))]
    assert not found


def test_every_dependency_is_locked_by_hash_and_explained() -> None:
    lock = (ROOT / "requirements.lock").read_text().lower()
    reasons = (ROOT / "docs" / "dependencies.md").read_text().lower()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [re.split(r"[\[<>=;! ]", requirement, maxsplit=1)[0].lower() for requirement in wanted]
    assert [name for name in names if f"\n{name}==" not in "\n" + lock] == []
    assert [name for name in names if f"| {name} |" not in reasons] == []
    pinned = re.findall(r"^[a-z0-9][^ =]*==", lock, re.MULTILINE)
    assert len(pinned) <= lock.count("--hash=")


def test_the_generated_protobuf_classes_are_current(tmp_path: Path) -> None:
    from grpc_tools import protoc

    folder = ROOT / "probes" / "efento" / "proto"
    arguments = ["protoc", f"-I{folder}", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", "efento.proto"]
    assert protoc.main(arguments) == 0
    for name in ("efento_pb2.py", "efento_pb2.pyi"):
        assert (tmp_path / name).read_text() == (folder / name).read_text(), "run `make proto`"
