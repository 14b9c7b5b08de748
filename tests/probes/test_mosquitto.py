"""Publishing to a real Mosquitto: plain, with a password, with TLS under an authority of our own, with certificates."""

import asyncio
import datetime
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from probes.contract import ProbeFailed, Reason
from probes.efento.mqtt import Broker, session
from probes.efento.mqtt_tls import TlsFiles
from tests.probes.servers import client_tasks, eventually, open_sockets
from tests.real_servers import command

USER, PASSWORD = "sensor", "correct horse"
START_SECONDS = 10.0
# With TLS 1.3 the server judges our certificate when we are speaking already: its alert and its reset race.
TURNED_AWAY = (Reason.TLS, Reason.RESET)


class Authority:
    """Signs certificates of servers and clients, and writes them as PEM files."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(self._signed(self._name, self._key.public_key(), authority=True)))

    def issue(self, name: str, password: str = "") -> tuple[Path, Path]:
        """A certificate for localhost and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password.encode())
        certificate_file, key_file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate_file.write_bytes(_pem(self._signed(_name(name), key.public_key())))
        key_file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        )
        return certificate_file, key_file

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool = False
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Ports:
    plain: int
    tls: int
    mutual: int


@asynccontextmanager
async def mosquitto(folder: Path, authority: Authority) -> AsyncIterator[Ports]:
    """Three listeners, all for one known user: unencrypted, with TLS, and with certificates of the clients too."""
    ports = Ports(*free_ports(3))
    certificate, key = authority.issue("server")
    tls = f"certfile {certificate}\nkeyfile {key}\ncafile {authority.file}\n"
    passwords = folder / "passwords"
    passwords.write_text("")
    passwords.chmod(0o600)
    configuration = folder / "mosquitto.conf"
    configuration.write_text(
        f"user root\nallow_anonymous false\npassword_file {passwords}\nlog_type error\n"
        f"listener {ports.plain} 127.0.0.1\n"
        f"listener {ports.tls} 127.0.0.1\n{tls}"
        f"listener {ports.mutual} 127.0.0.1\n{tls}require_certificate true\n"
    )
    await run("mosquitto_passwd", "-b", str(passwords), USER, PASSWORD)
    broker = command("mosquitto")
    process = await asyncio.create_subprocess_exec(
        *broker.argv, "-c", str(configuration), env=broker.env, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await listening(process, ports.mutual)
        yield ports
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def run(name: str, *arguments: str) -> None:
    tool = command(name)
    process = await asyncio.create_subprocess_exec(*tool.argv, *arguments, env=tool.env)
    assert await process.wait() == 0


def free_ports(count: int) -> list[int]:
    bound = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in bound]
    finally:
        for each in bound:
            each.close()


async def listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            assert process.returncode is None, "mosquitto ended at once"
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
                continue
            writer.transport.abort()
            return


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
async def ports(tmp_path: Path, authority: Authority) -> AsyncIterator[Ports]:
    async with mosquitto(tmp_path, authority) as running:
        yield running


async def publish(port: int, *, tls: TlsFiles | None = None, **changes: Any) -> None:
    """One message; no socket and no task may be left whatever becomes of it."""
    sockets, tasks = open_sockets(), client_tasks()
    login = {"username": USER, "password": PASSWORD, "host": "localhost", "seconds": 5.0}
    try:
        async with session(Broker(port=port, tls=tls, **{**login, **changes})) as opened:
            await opened.open()
            await opened.login()
            await opened.publish_confirmed("efento/282C02FFFF01/measurements", b'{"measurements": []}' * 500)
    finally:
        assert len(client_tasks()) == len(tasks)
        await eventually(lambda: open_sockets() == sockets)


async def failing(port: int, **changes: Any) -> ProbeFailed:
    with pytest.raises(ProbeFailed) as caught:
        await publish(port, **changes)
    return caught.value


async def test_a_message_arrives_and_is_acknowledged(ports: Ports) -> None:
    login = {"username": USER, "password": PASSWORD}
    async with aiomqtt.Client("127.0.0.1", ports.plain, **login) as listener:  # type: ignore[arg-type]
        await listener.subscribe("efento/+/measurements", qos=1)
        await publish(ports.plain)
        async with asyncio.timeout(5):
            message = await anext(aiter(listener.messages))
    assert str(message.topic) == "efento/282C02FFFF01/measurements"
    assert (message.qos, message.retain, message.payload) == (1, False, b'{"measurements": []}' * 500)


@pytest.mark.parametrize("login", [{"password": "wrong"}, {"username": "stranger"}, {"username": None}])
async def test_wrong_credentials_are_refused(ports: Ports, login: dict[str, Any]) -> None:
    assert (await failing(ports.plain, **login)).reason is Reason.AUTH


async def test_tls_under_an_authority_of_our_own(ports: Ports, authority: Authority) -> None:
    for host in ("localhost", "127.0.0.1"):
        await publish(ports.tls, tls=TlsFiles(ca=authority.file), host=host)


async def test_tls_is_not_trusted_without_its_authority(ports: Ports, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    for ca in (stranger.file, None):
        failure = await failing(ports.tls, tls=TlsFiles(ca=ca))
        assert failure.reason is Reason.TLS
        assert "certificate verify failed" in failure.detail


async def test_a_client_that_speaks_the_other_language_fails(ports: Ports, authority: Authority) -> None:
    assert (await failing(ports.plain, tls=TlsFiles(ca=authority.file))).reason in (Reason.TLS, Reason.RESET)
    assert (await failing(ports.tls)).reason in (Reason.PROTOCOL, Reason.RESET)


async def test_the_clients_certificate_lets_it_in(ports: Ports, authority: Authority) -> None:
    certificate, key = authority.issue("client", "key password")
    await publish(ports.mutual, tls=TlsFiles(authority.file, certificate, key, "key password"))


async def test_without_a_trusted_certificate_the_client_stays_out(
    ports: Ports, authority: Authority, tmp_path: Path
) -> None:
    strange = Authority(tmp_path, "stranger").issue("intruder")
    for files in (TlsFiles(ca=authority.file), TlsFiles(authority.file, *strange)):
        assert (await failing(ports.mutual, tls=files)).reason in TURNED_AWAY


async def test_a_renewed_certificate_is_used_without_a_restart(
    ports: Ports, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path, "stranger").issue("client")
    files = TlsFiles(authority.file, certificate, key)
    assert (await failing(ports.mutual, tls=files)).reason in TURNED_AWAY
    assert authority.issue("client") == (certificate, key)
    await publish(ports.mutual, tls=files)
