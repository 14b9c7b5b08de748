"""What an operator may leave out, and what would leave nobody knowing who called."""

from pathlib import Path

import pytest

from monitor.config import Config, ConfigError, load, shipped_config
from tests.monitor.config_kinds import KINDS
from tests.monitor.test_config_schema import _CLOUD

_REST = (
    "components: {gate: {}}\nprobes: [{id: one, component: gate, kind: door, options: {host: a.example, port: 1}}]\n"
)


def loaded(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "monitor.yaml"
    path.write_text(_REST + text, encoding="utf-8")
    return load(path, environ, KINDS)


def test_what_is_not_set_is_not_there(tmp_path: Path) -> None:
    text = """\
ping: {url: "env:PING:-"}
peers: {dublin: {token: "env:DUBLIN:-"}, oslo: {token: "env:OSLO:-"}}
alerting: {alertmanagers: [{url: "env:FIRST:-"}, {url: "env:SECOND:-"}]}
web: {url: "env:PAGES:-"}
"""
    config = loaded(tmp_path, text)
    assert (config.ping.url, config.peers, config.alerting.alertmanagers, config.web_url) == (None, {}, (), None)
    config = loaded(tmp_path, text, OSLO="o" * 16, SECOND="http://127.0.0.1:9093/")
    assert list(config.peers) == ["oslo"]
    assert [each.url for each in config.alerting.alertmanagers] == ["http://127.0.0.1:9093"]


def test_what_is_set_wrongly_is_an_error_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"alertmanagers\[0\].url: .*expected a URL"):
        loaded(tmp_path, "alerting: {alertmanagers: [{url: 'env:FIRST:-'}]}", FIRST="localhost")
    with pytest.raises(ConfigError, match=r"alertmanagers\[0\].url: missing key"):
        loaded(tmp_path, "alerting: {alertmanagers: [{user: anna, password: hunter2}]}")


def test_two_peers_with_one_token(tmp_path: Path) -> None:
    token = "hunter2-hunter2-hunter2"
    with pytest.raises(ConfigError, match=r"peers: .*another token for each peer") as caught:
        loaded(tmp_path, f"peers: {{dublin: {{token: {token}}}, oslo: {{token: {token}}}}}")
    assert "hunter2" not in str(caught.value)


def test_the_cloud_file_tells_nobody_until_variables_say_whom() -> None:
    path = shipped_config("efento-cloud.yaml")
    plain = load(path, _CLOUD)
    assert (plain.ping.url, plain.peers, plain.alerting.alertmanagers, plain.web_url) == (None, {}, (), None)
    variables = {
        "EFENTO_UPTIME_URL": "https://uptime.example.net",
        "EFENTO_UPTIME_ALERTMANAGER": "http://127.0.0.1:9093",
        "EFENTO_UPTIME_PING_URL": "https://hc.example.net/uuid",
        "EFENTO_UPTIME_PEER_TOKEN": "other-other-other",
    }
    config = load(path, {**_CLOUD, **variables})
    assert config.ping.url is not None and config.ping.url.get_secret_value() == "https://hc.example.net/uuid"
    assert (list(config.peers), len(config.alerting.alertmanagers)) == (["other"], 1)
    assert config.web_url == "https://uptime.example.net"
