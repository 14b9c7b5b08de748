"""The shipped configuration as Alertmanager's own tool reads it: is it valid, and who is told of which alert?"""

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from monitor.sla.agreement import SupportHours
from tests.alertmanager.contract import CONFIG, FOLDER, LABELS, RECEIVERS, ROOT, severities_of, shipped
from tests.real_servers import command


def amtool(*arguments: str) -> str:
    tool = command("amtool")
    done = subprocess.run([*tool.argv, *arguments], env=tool.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def receivers_of(**labels: str) -> list[str]:
    given = [f"{name}={value}" for name, value in labels.items()]
    return amtool("config", "routes", "test", f"--config.file={CONFIG}", *given).strip().split(",")


def test_the_configuration_and_its_templates_are_valid() -> None:
    said = amtool("check-config", str(CONFIG))
    assert "SUCCESS" in said
    assert " - 1 templates" in said


def test_what_stands_in_its_comments_is_valid_too(tmp_path: Path) -> None:
    """An operator who uncomments a receiver at 3 a.m. does not want to find out that it never worked."""
    before, heading, receivers = CONFIG.read_text(encoding="utf-8").partition("\nreceivers:\n")
    uncommented = re.sub("^    # ", "    ", receivers, flags=re.MULTILINE)
    names = {name for each in yaml.safe_load(heading + uncommented)["receivers"] for name in each}
    assert names >= {"pagerduty_configs", "opsgenie_configs", "slack_configs", "email_configs"}
    (tmp_path / "templates").symlink_to(FOLDER / "templates")
    file = tmp_path / "alertmanager.yml"
    file.write_text(before + heading + uncommented, encoding="utf-8")
    assert "SUCCESS" in amtool("check-config", str(file))


@pytest.mark.parametrize("alert", sorted(LABELS))
def test_every_alert_has_a_receiver_by_its_severity(alert: str) -> None:
    for severity in severities_of(alert):
        expected = "dead-mans-switch" if alert == "DeadMansSwitch" else RECEIVERS[severity]
        assert receivers_of(alertname=alert, severity=severity, **LABELS[alert]) == [expected]


def test_an_alert_without_a_known_severity_is_told_at_any_time() -> None:
    assert receivers_of(alertname="Foreign") == ["team"]
    assert receivers_of(alertname="Foreign", severity="critical") == ["team"]
    assert "active_time_intervals" not in shipped()["route"], "which holds for what no route below it takes"


def test_an_acknowledgement_goes_to_the_daemon_and_to_nobody_else() -> None:
    assert receivers_of(alertname="Acknowledged", outage="3eb9", acknowledged_by="anna") == ["acknowledged"]


def test_a_dead_mans_switch_is_called_at_every_second_flush() -> None:
    """A repeat is due only at a flush. If it were due exactly with one, that would now and then be missed."""
    (route,) = [route for route in shipped()["route"]["routes"] if route["receiver"] == "dead-mans-switch"]
    interval, repeat = (int(route[name].removesuffix("s")) for name in ("group_interval", "repeat_interval"))
    assert interval < repeat < 2 * interval <= 60


def test_what_was_told_in_the_afternoon_and_is_back_in_the_morning_is_told() -> None:
    """Its end at night is lost on Alertmanager, which tells it anew only after `repeat_interval`."""
    (hours,) = shipped()["time_intervals"][0]["time_intervals"]
    (times,) = hours["times"]
    closes, opens = (int(times[name].partition(":")[0]) for name in ("end_time", "start_time"))
    route = shipped()["route"]
    repeats = [each["repeat_interval"] for each in (route, *route["routes"]) if "repeat_interval" in each]
    assert repeats == ["4h", "50s"]
    assert 24 - closes + opens - 1 > 4  # one night a year is an hour shorter


def test_it_holds_no_secret_and_leads_nowhere_else() -> None:
    addresses = re.findall(r"\w+://[^\s'\"]+", CONFIG.read_text(encoding="utf-8"))
    assert addresses
    assert [address for address in addresses if not address.startswith("http://127.0.0.1:")] == []


def test_the_support_hours_are_those_of_the_agreement() -> None:
    """They stand here and there: a change of one without the other would page, or hold back, at the wrong time."""
    support = SupportHours()
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    (hours,) = shipped()["time_intervals"][0]["time_intervals"]
    first, last = (days.index(day) for day in hours["weekdays"][0].split(":"))
    (times,) = hours["times"]
    assert tuple(range(first, last + 1)) == tuple(sorted(support.weekdays))
    assert (times["start_time"], times["end_time"]) == tuple(
        f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (support.start, support.end)
    )
    assert hours["location"] == support.zone


def test_a_page_fits_a_lock_screen_and_its_text_says_what_to_do(tmp_path: Path) -> None:
    annotations = {
        "summary": "api is down",
        "description": "Checks failed.",
        "runbook_url": "http://uptime.example/runbooks/ComponentDown",
        "page": "http://uptime.example/components/api",
    }
    labels = {"alertname": "ComponentDown", "component": "api", "severity": "blocker"}
    alert: dict[str, object] = {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": "2026-11-23T02:10:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }
    over: dict[str, object] = {
        **alert,
        "status": "resolved",
        "endsAt": "2026-11-23T02:25:00Z",
        "annotations": {"summary": "another"},
    }
    assert rendered(tmp_path, "uptime.title", [over, alert, alert]) == "api is down (and 1 more)"
    assert rendered(tmp_path, "uptime.title", [over]) == "Over: another"
    assert rendered(tmp_path, "uptime.text", [alert]).splitlines() == [
        "api is down (blocker, since 2026-11-23 02:10 UTC)",
        "Checks failed.",
        "What to do: http://uptime.example/runbooks/ComponentDown",
        "Component: http://uptime.example/components/api",
    ]
    assert rendered(tmp_path, "uptime.text", [over]).startswith("OVER 2026-11-23 02:25 UTC: another (blocker")
    foreign: dict[str, object] = {**alert, "annotations": {}, "labels": {"alertname": "Foreign"}}
    assert rendered(tmp_path, "uptime.title", [foreign]) == "Foreign"


def rendered(folder: Path, name: str, alerts: list[dict[str, object]]) -> str:
    firing = any(alert["status"] == "firing" for alert in alerts)
    data = folder / "data.json"
    common: dict[str, object] = {"groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}}
    data.write_text(json.dumps({"status": "firing" if firing else "resolved", "alerts": alerts, **common}))
    glob, text = FOLDER / "templates" / "*.tmpl", f'{{{{ template "{name}" . }}}}'
    return amtool(
        *("template", "render", f"--template.glob={glob}", f"--template.data={data}", f"--template.text={text}")
    ).strip()


def test_the_alerts_are_those_that_prometheus_raises() -> None:
    """With the severities that they have there; of a component's own, any."""
    raised: dict[str, set[str]] = defaultdict(set)
    for file in (ROOT / "config" / "prometheus" / "rules").glob("*.yml"):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    raised[rule["alert"]] |= {rule.get("labels", {}).get("severity")} - {None}
    assert raised.keys() == LABELS.keys()
    assert {alert: them for alert, them in raised.items() if not them <= set(severities_of(alert))} == {}
    assert {alert for alert, them in raised.items() if not them} == {"ComponentDown", "DeadlineNear", "DeadlinePassed"}
