"""How every process of ours writes its log: one constant lower-case message and keys, on standard error.

A message never contains a value, so that equal lines can be counted; what varies is a key. These keys mean the same
everywhere; a new one is added here first:

    controller   name of the loop that writes the line        namespace, name   the record it is about
    kind         kind of that record                          revision          revision read or written
    outcome      what came of it, one word                    took_ms           how long it took
    error        text of the cause                            pid               process it is about
    count        how many records                             path, url, port   where

`warning` and `error` are for what a person should look at, `info` for what was done; `debug` is for one afternoon.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from kuberklone.settings import Settings

CONTROLLER = "controller"
KIND = "kind"
NAMESPACE = "namespace"
NAME = "name"
REVISION = "revision"
OUTCOME = "outcome"
TOOK_MS = "took_ms"
ERROR = "error"
PID = "pid"
COUNT = "count"
PATH = "path"
URL = "url"
PORT = "port"


def configure(settings: Settings, *, process: str | None = None, stream: TextIO | None = None) -> None:
    """Set up logging for this process; every line carries `process`, such as `api`, if it is given."""
    target = stream or sys.stderr
    structlog.contextvars.clear_contextvars()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _named(process),
            structlog.processors.add_log_level,
            *_rendering(settings, target),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.PrintLoggerFactory(target),
        # A module-level logger must follow a later `configure`: the children of `up` configure after the fork.
        cache_logger_on_first_use=False,
    )
    # Libraries (uvicorn, sqlalchemy, alembic) use the standard logging: only what they call a warning is wanted here.
    logging.basicConfig(stream=target, level=logging.WARNING, format="%(name)s: %(message)s", force=True)


def get() -> FilteringBoundLogger:
    """A logger; safe to call while importing, since it looks up the configuration with each line."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def _named(process: str | None) -> Processor:
    def add(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if process is not None:
            line.setdefault("process", process)
        return line

    return add


def _rendering(settings: Settings, target: TextIO) -> list[Processor]:
    if settings.log_format == "json":
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        return [stamp, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    formatter = structlog.dev.plain_traceback if settings.log_level == "debug" else _last_line
    console = structlog.dev.ConsoleRenderer(
        colors=target.isatty(), pad_event_to=0, pad_level=False, exception_formatter=formatter
    )
    # Whoever reads it here looks at the clock on the wall, not at a date in another zone.
    return [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False), console]


def _last_line(screen: TextIO, failure: structlog.typing.ExcInfo) -> None:
    """A person at a terminal needs the cause, not the stack; `log_level = "debug"` and JSON show all of it."""
    kind, cause, _ = failure
    screen.write(f"  {kind.__name__}: {cause}")
