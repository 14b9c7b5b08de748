"""The plain kinds: `http` and `tcp`."""

from typing import Any

import pytest
from pydantic import ValidationError

from probes.contract import ProbeFailed, Reason
from probes.http import Options as HttpOptions
from probes.http import http
from probes.tcp import Options as TcpOptions
from probes.tcp import tcp
from tests.probes.platform import Record
from tests.probes.servers import Handler, answering, failed_step, http_answer, silent, tcp_server

PAGE = http_answer(b"<p>welcome</p>", "Content-Type: text/html; charset=utf-8")


async def ask(handler: Handler, **options: Any) -> None:
    async with tcp_server(handler) as port:
        journey = Record().journey()
        try:
            await http(HttpOptions.model_validate({"url": f"http://127.0.0.1:{port}/", **options}), journey)
        except ProbeFailed:
            assert failed_step(journey) == "answer"
            raise


async def test_the_expected_answer_is_up() -> None:
    await ask(answering(PAGE), contains="welcome", content_type="text/html")
    await ask(answering(http_answer(b"", status="404 Not Found")), status=[404])


@pytest.mark.parametrize(
    ("handler", "options", "reason"),
    [
        (answering(PAGE), {"contains": "goodbye"}, Reason.CONTENT),
        (answering(PAGE), {"content_type": "application/json"}, Reason.CONTENT),
        (answering(http_answer(b"", status="503 Busy")), {}, Reason.STATUS),
        (answering(http_answer(b"", status="403 No")), {}, Reason.AUTH),
        (
            answering(http_answer(b"", "Location: /", status="302 Found")),
            {"status": [302], "contains": "x"},
            Reason.CONTENT,
        ),
    ],
)
async def test_another_answer_is_down_with_its_reason(
    handler: Handler, options: dict[str, Any], reason: Reason
) -> None:
    with pytest.raises(ProbeFailed) as caught:
        await ask(handler, **options)
    assert caught.value.reason is reason


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "http://user:secret@x/", "http://x y/", "http://x:99999/", "x"])
def test_a_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        HttpOptions.model_validate({"url": url})


async def test_a_name_without_address_cannot_be_connected_to() -> None:
    async with tcp_server(silent) as port:
        await tcp(TcpOptions(host="127.0.0.1", port=port), Record().journey())
    with pytest.raises(ProbeFailed) as caught:
        await tcp(TcpOptions(host="no-such-host.invalid", port=80), Record().journey())
    assert caught.value.reason is Reason.DNS
