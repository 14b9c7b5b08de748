"""The mailbox against a real Dovecot: passwords, TLS, IDLE and polling, and mails that do not pile up."""

import asyncio
import datetime
import grp
import imaplib
import ipaddress
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.clock import SystemClock
from probes.contract import Journey, ProbeFailed, Reason
from probes.efento.alarm_channel import Arrival
from probes.mailbox.channels import ImapChannel
from probes.mailbox.imap_session import ImapOptions
from tests.probes.notifications import running_alarms
from tests.probes.platform import Record
from tests.probes.servers import client_tasks, eventually, open_sockets
from tests.real_servers import command

USER, PASSWORD = "probe", 'pass"word \\ %'
START_SECONDS = 10.0

CONFIGURATION = """
protocols = imap
libexec_dir = {libraries}
mail_plugin_dir = {libraries}/modules
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{folder}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/passwords
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap_port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps_port}
    ssl = yes
  }}
}}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
imap_capability = {capability}
"""


@dataclass(frozen=True)
class Dovecot:
    imap_port: int
    imaps_port: int
    certificate: Path
    idles: bool

    def options(self, **changes: Any) -> ImapOptions:
        given = {
            "host": "127.0.0.1",
            "port": self.imaps_port,
            "ca_file": self.certificate,
            "user": USER,
            "password": PASSWORD,
            "poll": 0.05,
            "timeout": 2,
            **changes,
        }
        return ImapOptions.model_validate(given)

    async def deliver(self, mail: bytes, days_ago: float = 0) -> None:
        await asyncio.to_thread(self._append, mail, days_ago)

    def _append(self, mail: bytes, days_ago: float) -> None:
        with imaplib.IMAP4("127.0.0.1", self.imap_port) as imap:
            imap.login(USER, PASSWORD)
            imap.append("INBOX", "", imaplib.Time2Internaldate(time.time() - days_ago * 86400), mail)

    async def subjects(self) -> list[str]:
        return await asyncio.to_thread(self._subjects)

    def _subjects(self) -> list[str]:
        with imaplib.IMAP4("127.0.0.1", self.imap_port) as imap:
            imap.login(USER, PASSWORD)
            imap.select("INBOX", readonly=True)
            _, found = imap.search(None, "ALL")
            subjects = []
            for number in found[0].split():
                _, parts = imap.fetch(number, "(BODY[HEADER.FIELDS (SUBJECT)])")
                part = parts[0]
                assert isinstance(part, tuple)
                subjects.append(part[1].decode().strip().removeprefix("Subject: "))
            return subjects


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dovecot")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


@pytest.fixture(scope="module", params=["idle", "no idle"])
def dovecot(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    program = command("dovecot")
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))  # not pytest's, which its mail processes may not enter
    folder.chmod(0o755)
    process = None
    try:
        write_certificate(folder)
        imap_port, imaps_port = free_ports(2)
        capability = "" if request.param == "idle" else "IMAP4rev1 UIDPLUS"
        configuration = configured(
            folder,
            imap_port=imap_port,
            imaps_port=imaps_port,
            libraries=Path(program.argv[0]).parents[1] / "lib" / "dovecot",
            capability=capability,
        )
        process = subprocess.Popen([*program.argv, "-F", "-c", str(configuration)], env=program.env)
        wait_for_port(imap_port, process, folder)
        yield Dovecot(imap_port, imaps_port, folder / "cert.pem", request.param == "idle")
    finally:
        if process is not None:
            process.terminate()
            process.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def configured(folder: Path, **values: Any) -> Path:
    """Mail processes never run as root; where the tests do, those are `nobody`'s."""
    root = os.getuid() == 0
    uid, gid = (65534, 65534) if root else (os.getuid(), os.getgid())
    (folder / "mail").mkdir()
    (folder / "passwords").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    if root:
        os.chown(folder / "mail", uid, gid)
    names = {"user": pwd.getpwuid(uid).pw_name, "group": grp.getgrgid(gid).gr_name}
    path = folder / "dovecot.conf"
    path.write_text(CONFIGURATION.format(folder=folder, uid=uid, gid=gid, **names, **values))
    return path


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    log = folder / "log"
    pytest.fail(f"Dovecot does not start: {log.read_text() if log.exists() else 'no log'}")


@pytest.fixture(autouse=True)
async def nothing_left(dovecot: Dovecot) -> Any:
    before = open_sockets()
    yield
    assert client_tasks() == set()
    await eventually(lambda: open_sockets() <= before)


def journey_of(record: Record) -> Journey:
    clock = SystemClock()
    return Journey(probe="probe", component="notifications", now=clock.now, monotonic=clock.monotonic, facts=record)


def mail(subject: str, body: str = "body") -> bytes:
    return f"From: a@example.com\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


def subjects(arrivals: Any) -> list[str]:
    return [arrival.text.partition("\n")[0] for arrival in arrivals if isinstance(arrival, Arrival)]


@pytest.mark.parametrize("tls", ["implicit", "starttls", "none"])
async def test_mails_are_seen_over_each_kind_of_connection(dovecot: Dovecot, tls: str) -> None:
    port = dovecot.imaps_port if tls == "implicit" else dovecot.imap_port
    record = Record()
    channel = ImapChannel(dovecot.options(tls=tls, port=port), "mailbox", journey_of(record))
    try:
        assert await channel.open() == []
        await dovecot.deliver(mail("over " + tls))
        assert subjects(await channel.wait(5)) == ["over " + tls]
        assert await channel.wait(0.1) == []
    finally:
        await channel.close()


async def test_what_came_between_two_checks_is_found_once(dovecot: Dovecot) -> None:
    record = Record()
    for expected in ([], ["one", "two"], []):
        journey = journey_of(record)
        channel = ImapChannel(dovecot.options(), "mailbox", journey)
        assert subjects(await channel.open()) == expected
        await channel.close()
        record.keep(journey)
        if not expected:
            await dovecot.deliver(mail("one"))
            await dovecot.deliver(mail("two"))


async def test_idle_tells_of_a_mail_at_once(dovecot: Dovecot) -> None:
    channel = ImapChannel(dovecot.options(poll=30), "mailbox", journey_of(Record()))
    try:
        await channel.open()
        if not dovecot.idles:
            assert channel.resolution_seconds == 30
            return
        assert channel.resolution_seconds == 0
        async with asyncio.timeout(5):
            _, arrivals = await asyncio.gather(dovecot.deliver(mail("told")), channel.wait(20))
        assert subjects(arrivals) == ["told"]
    finally:
        await channel.close()


async def test_a_cancel_in_the_middle_of_waiting_leaves_nothing(dovecot: Dovecot) -> None:
    channel = ImapChannel(dovecot.options(poll=30), "mailbox", journey_of(Record()))
    try:
        await channel.open()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await channel.wait(20)
    finally:
        await channel.close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "wrong"}, Reason.AUTH),
        ({"folder": "Nowhere"}, Reason.PROTOCOL),
        ({"ca_file": None}, Reason.TLS),
        ({"tls": "starttls", "ca_file": None, "port": 0}, Reason.TLS),
    ],
)
async def test_a_mailbox_that_cannot_be_entered_says_why(
    dovecot: Dovecot, changes: dict[str, Any], reason: Reason
) -> None:
    if changes.get("port") == 0:
        changes = {**changes, "port": dovecot.imap_port}
    channel = ImapChannel(dovecot.options(**changes, timeout=5), "mailbox", journey_of(Record()))
    with pytest.raises(ProbeFailed) as caught:
        await channel.open()
    await channel.close()
    assert caught.value.reason is reason
    assert PASSWORD not in caught.value.detail


async def test_own_old_mails_are_deleted_and_no_others(dovecot: Dovecot) -> None:
    record = Record()
    journey = journey_of(record)
    channel = ImapChannel(dovecot.options(delete_after=3), "mailbox", journey)
    try:
        await channel.open()
        await dovecot.deliver(mail("own and old"), days_ago=5)
        await dovecot.deliver(mail("strange and old"), days_ago=5)
        await dovecot.deliver(mail("own and new"))
        arrivals = [*await channel.wait(5)]
        while len(arrivals) < 3:
            arrivals += await channel.wait(5)
        await channel.tidy([arrival.key for arrival in arrivals if "own" in arrival.text])
    finally:
        await channel.close()
    assert journey.figures["mails_deleted"] == 1
    left = await dovecot.subjects()
    assert "own and old" not in left
    assert {"strange and old", "own and new"} <= set(left)


async def test_a_whole_round_with_the_mailbox(dovecot: Dovecot) -> None:
    async with running_alarms(dovecot.deliver) as alarms:
        imap = {**dovecot.options().model_dump(exclude={"password"}), "password": PASSWORD}
        alarms.options = {"mailbox": {"imap": imap}, "arrival_deadline": 5}
        result = await alarms.check("notification_email")
        assert (result.verdict, result.detail) == ("up", "")
        alarms.standin.faults.switch_on("mail", "wrong-value")
        alarms.options["arrival_deadline"] = 0.5
        result = await alarms.check("notification_email")
        assert (result.verdict, result.reason, result.step) == ("down", "altered", "alarm_arrival")
        alarms.options["mailbox"] = {"imap": {**imap, "password": "wrong"}}
        result = await alarms.check("notification_email")
        assert (result.verdict, result.reason, result.step) == ("unknown", "blocked", "mailbox")
        assert result.detail.startswith("mailbox failed: auth: ")
