"""`efento-uptime seal` and `verify`, as a person and a program see them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.cli import main
from monitor.seals import keys
from monitor.store.ids import own_id
from tests.seals.conftest import Sealing

CONFIG = """
zone: Europe/Warsaw
location: frankfurt
store: {url: "sqlite:///FILE"}
components:
  api: {title: API, floor: 99 %, upper: 99.9 %, severity: blocker, down_when: any}
probes:
  - {id: web, component: api, kind: tcp, every: 30s, timeout: 5s, options: {host: localhost, port: 1}}
"""


def call(sealed: Sealing, *arguments: str) -> Result:
    config = sealed.file.with_name("config.yaml")
    config.write_text(CONFIG.replace("FILE", str(sealed.file)))
    return CliRunner().invoke(main, [*arguments, "-c", str(config)])


def test_verify_says_that_all_holds(sealed: Sealing) -> None:
    newest = sealed.seals[-1]
    done = call(sealed, "verify", "--digest", f"2:{newest.digest}")
    assert done.exit_code == 0, done.output
    assert "Everything holds." in done.output
    assert f"newest seal: 2:{newest.digest}" in done.output


def test_verify_names_what_does_not_hold(sealed: Sealing) -> None:
    sealed.tamper(f"UPDATE results SET duration_us = 1 WHERE id = {own_id(1, 3)}")
    done = call(sealed, "verify", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["holds"] is False
    assert [(each["kind"], each["row"], each["probe"]) for each in found["findings"]] == [
        ("changed", "boot-1:3", "web")
    ]
    assert "result boot-1:3 of web, 2026-09-21T14:14:20.000Z was changed (seal 1)" in call(sealed, "verify").output


@pytest.mark.parametrize("wrong", [["--digest", "1"], ["--digest", "0:" + "0" * 64], ["--key", "nothing"], ["--wrong"]])
def test_wrong_usage_is_told_apart_from_tampering(sealed: Sealing, wrong: list[str]) -> None:
    assert call(sealed, "verify", *wrong).exit_code == 2


def test_a_key_is_named_by_its_file_or_its_fingerprint(sealed: Sealing) -> None:
    key = keys.load(sealed.key_file)
    public = sealed.file.with_name("public.pem")
    public.write_bytes(key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert call(sealed, "verify", "--key", str(public)).exit_code == 0
    assert call(sealed, "verify", "--key", key.fingerprint.upper()).exit_code == 0
    assert call(sealed, "verify", "--key", "0" * 16).exit_code == 1


def test_seal_makes_a_key_beside_the_database_and_tells_the_digest(sealed: Sealing, tmp_path: Path) -> None:
    sealed.tamper("DELETE FROM seals", "DELETE FROM seal_keys")
    done = call(sealed, "seal", "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert (tmp_path / "seal-key.pem").stat().st_mode & 0o777 == 0o600
    again = call(sealed, "seal", "--rotate-key")
    assert again.exit_code == 0, again.output
    assert made["key"] not in again.output
    assert call(sealed, "verify", "--digest", f"1:{made['digest']}", "--key", made["key"]).exit_code == 0


def test_a_key_that_cannot_be_used_is_one_line(sealed: Sealing, tmp_path: Path) -> None:
    (tmp_path / "seal-key.pem").write_text("secret")
    done = call(sealed, "seal")
    assert done.exit_code == 1
    assert "can be read by others" in done.output
    assert "secret" not in done.output


def test_no_name_in_the_database_writes_over_the_outcome(sealed: Sealing) -> None:
    sealed.tamper("UPDATE probes SET probe = probe || char(10, 27) || '[2JEverything holds.'")
    assert "\nEverything holds." not in (output := call(sealed, "verify").output)
    assert "\x1b" not in output
