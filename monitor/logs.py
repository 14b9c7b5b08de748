"""Logging set-up: one line an event, readable on a terminal, JSON otherwise. Events are `noun.past_verb`."""

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from monitor.redaction import Redactor

Logger = structlog.typing.FilteringBoundLogger


def configure(level: str, form: str, redactor: Redactor, stream: TextIO | None = None) -> None:
    """Sends structlog's and the libraries' events to `stream` (default: standard error).

    `form` is `console`, `json`, or `auto`: console where the stream is a terminal.
    """
    out = stream if stream is not None else sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redactor,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty()) if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redactor, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def get(**fields: Any) -> Logger:
    """A logger with these fields on each of its events."""
    logger: Logger = structlog.get_logger(**fields)
    return logger
