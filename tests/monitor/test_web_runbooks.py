"""Runbooks: the pages that the daemon serves, and whether what the files say can be done as they say it."""

import asyncio
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from monitor.cli import main
from monitor.sla.model import Cause, Verdict
from monitor.web.app import SECURITY_HEADERS
from monitor.web.runbooks import INDEX, rendered, runbook_files
from probes.contract import Reason
from tests.alertmanager.contract import LABELS, RECEIVERS, severities_of
from tests.monitor.outage_record import record
from tests.monitor.test_pages import pages_of
from tests.monitor.test_web import Balanced, result_of, site
from tests.real_servers import command

ROOT = Path(__file__).resolve().parents[2]
FILES = runbook_files()
ALERTS = sorted(FILES.keys() - {INDEX})
SECTIONS = ["What customers notice", "First", "A false alarm?", "It ends", "Afterwards"]


def text_of(name: str) -> str:
    return FILES[name].read_text(encoding="utf-8")


def blocks(name: str, language: str) -> Iterator[str]:
    pattern = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    return (found[2] for found in pattern.finditer(text_of(name)))


def test_every_alert_has_a_page_and_the_index_leads_to_it() -> None:
    assert set(ALERTS) == set(LABELS)
    assert sorted(re.findall(r"^\| \[(\w+)\]\(\1\.md\) \|", text_of(INDEX), re.MULTILINE)) == ALERTS


def test_the_index_says_who_is_told() -> None:
    """As the routes do, by the severity that the rule gives the alert."""
    cells = dict(re.findall(r"^\| \[(\w+)\]\(\w+\.md\) \| ([a-z ]+) \|", text_of(INDEX), re.MULTILINE))
    receivers = {name: {RECEIVERS[severity] for severity in severities_of(name)} for name in ALERTS}
    expected = {name: "by severity" if len(them) > 1 else them.pop() for name, them in receivers.items()}
    assert cells == {**expected, "DeadMansSwitch": "a service"}


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_has_what_a_tired_person_looks_for(name: str) -> None:
    text = text_of(name)
    assert text.startswith(f"# {name}\n\n**"), "what it means, in one sentence that stands out"
    headings = re.findall("^## (.+)$", text, re.MULTILINE)
    wanted = [each for each in SECTIONS if each != "What customers notice" or name != "ComponentDown"]
    assert [each for each in headings if each in wanted] == wanted
    lines = len(text.splitlines())
    assert 25 <= lines <= (120 if name == "ComponentDown" else 60)


def test_each_component_of_the_agreement_has_its_section() -> None:
    config = yaml.safe_load((ROOT / "config" / "efento-cloud.yaml").read_text(encoding="utf-8"))
    assert re.findall("^### (.+)$", text_of("ComponentDown"), re.MULTILINE) == list(config["components"])


def commands(name: str) -> Iterator[list[str]]:
    """Each command of ours, in a block or in the text, as its words."""
    text = re.sub(r"\\\n\s*", " ", text_of(name))
    for found in re.finditer(r"^ *\$ (efento-uptime .+)$|`(efento-uptime [^`]+)`", text, re.MULTILINE):
        yield shlex.split(found[1] or found[2], comments=True)


@pytest.mark.parametrize("name", FILES)
def test_its_commands_exist_with_their_options(name: str) -> None:
    for words in commands(name):
        found: click.Command = main
        rest = words[1:]
        while isinstance(found, click.Group):
            verb = rest.pop(0)
            under = found.get_command(click.Context(found), verb)
            assert under is not None, f"{shlex.join(words)}: no {verb}"
            found = under
        known = {option for parameter in found.params for option in parameter.opts}
        assert [word for word in rest if word.startswith("-") and word not in known] == [], shlex.join(words)
        assert CliRunner().invoke(found, ["--help"]).exit_code == 0


@pytest.mark.parametrize("name", FILES)
def test_its_metrics_are_those_that_are_exported(name: str) -> None:
    documented = set(re.findall(r"`(uptime_\w+)`", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")))
    used = set(re.findall(r"\buptime_[a-z_]+\b", text_of(name)))
    assert used - documented - {f"{each}_bucket" for each in documented} == set()


def test_its_queries_can_be_pasted(tmp_path: Path) -> None:
    """One rule a line of a block, for Prometheus' own tool to read."""
    queries = [line.strip() for name in FILES for block in blocks(name, "promql") for line in block.splitlines()]
    assert len(queries) > len(FILES)
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
    tool = command("promtool")
    done = subprocess.run(
        [*tool.argv, "check", "rules", str(file)], env=tool.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_silences_name_labels_that_the_alert_has() -> None:
    for name in ALERTS:
        for given in re.findall(r"amtool silence add\s+((?:[a-z]+=\S+\s+)+)--", text_of(name)):
            labels = dict(each.split("=") for each in given.split())
            assert labels.pop("alertname") == name
            assert labels.keys() <= LABELS[name].keys()


@pytest.mark.parametrize("name", FILES)
def test_its_links_lead_to_other_runbooks(name: str) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", text_of(name))
    assert [target for target in targets if target.removesuffix(".md") not in FILES] == []


def test_reasons_and_causes_are_words_of_the_program() -> None:
    reasons, causes = {each.value for each in Reason}, {each.value for each in Cause}
    rows = re.findall(r"^ *\| (`[^|]+): ([a-z, ]+) \|", text_of("ComponentDown"), re.MULTILINE)
    named = {word for _step, said in rows for word in said.split(", ")}
    assert len(rows) > 15
    assert named - reasons <= {"any", "mostly 502 and 503"}
    blind = re.findall(r"^   \| (`[^|]+) \|", text_of("MonitorBlind"), re.MULTILINE)
    assert {word for cell in blind for word in re.findall("`(.+?)`", cell)} <= causes


async def test_a_page_is_served_as_the_others_are() -> None:
    async with site([], result_of(Verdict.UP)) as served:
        status, page, headers = await served.get("/runbooks/ComponentDown")
        _, again, _ = await served.get("/runbooks/ComponentDown")
    parser = Balanced()
    parser.feed(page)
    assert (status, parser.wrong, parser.open, again == page) == (200, [], [], True)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "<title>ComponentDown – uptime</title>" in page
    assert page.count("<h1>") == 1
    assert "<script" not in page and "style=" not in page
    assert '<h3 id="ingest">ingest</h3>' in page
    assert 'href="/runbooks/CertificateExpiring"' in page
    assert '<link rel="stylesheet" href="/style.css">' in page


async def test_every_page_is_well_formed() -> None:
    async with site([], result_of(Verdict.UP)) as served:
        for name in ALERTS:
            status, page, _headers = await served.get(f"/runbooks/{name}")
            parser = Balanced()
            parser.feed(page)
            assert (name, status, parser.wrong, parser.open) == (name, 200, [], [])


async def test_the_index_leads_to_every_page() -> None:
    async with site([], result_of(Verdict.UP)) as served:
        for path in ("/runbooks/", "/runbooks"):
            status, page, _headers = await served.get(path)
            assert status == 200
            assert {name for name in ALERTS if f'href="/runbooks/{name}"' in page} == set(ALERTS)


@pytest.mark.parametrize("name", ["Nothing", "..%2Fmetrics", "componentdown", "ComponentDown.md", "%3Cb%3E"])
async def test_there_is_no_other_page(name: str) -> None:
    async with site([], result_of(Verdict.UP)) as served:
        status, page, headers = await served.get(f"/runbooks/{name}")
    assert status == 404
    assert headers["Content-Type"].startswith("text/plain"), "so that what was asked for cannot become markup"
    assert "Content-Security-Policy" in headers
    assert page


def test_markup_in_a_text_is_shown_and_not_obeyed() -> None:
    text = (
        '# A <b>title</b>\n\n<script>alert(1)</script> `<i>`\n\n```promql\na < "b"\n```\n\n[x](javascript:alert(1))\n'
    )
    title, content = rendered(text)
    assert title == "A <b>title</b>", "which the template escapes"
    assert "&lt;script&gt;" in content
    assert "<code>&lt;i&gt;</code>" in content
    assert "<pre><code>a &lt; &quot;b&quot;\n</code></pre>" in content
    assert "<script" not in content and "href" not in content


def test_links_lead_to_pages_of_the_daemon() -> None:
    _title, content = rendered(
        "# T\n\n[a](ComponentDown.md#api) [b](README.md) `/` `/components/api` `/components/KEY/x` `/outages/ID`\n"
    )
    assert re.findall('href="([^"]+)"', content) == [
        "/runbooks/ComponentDown#api",
        "/runbooks/",
        "/",
        "/components/api",
    ]


async def test_the_pages_of_a_component_and_of_its_outage_lead_to_what_to_do(tmp_path: Path) -> None:
    recorded = await asyncio.to_thread(record, tmp_path, {"web": "uuDDDDDDuuuu", "web-2": "uuuuuuuuuuuu"})
    async with pages_of(recorded, 11.5) as (served, board):
        outage = board.picture().components[0].outages[0]
        for path in ("/components/api", f"/outages/{outage.id}"):
            assert 'href="/runbooks/ComponentDown#api"' in (await served.get(path))[1]
