"""Every setting of the program, and how each value is found: flag > environment > kuberklone.toml > --demo > default.

Nothing is read when this module is imported. A command calls `load` once, early, and hands the frozen `Settings` down.
The text under each field is its documentation: `kuberklone settings --explain` and docs/settings.md show it.
"""

import difflib
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from kuberklone.errors import SettingsError

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

TOML_NAME = "kuberklone.toml"
PREFIX = "KUBERKLONE_"
AGENT_PREFIX = "KUBERKLONE_AGENT_"
"""Of what one agent is told (kuberklone.agent.options): who it is, which is no setting of a cluster."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# Above this a number is a mistake, and milliseconds of it would no longer fit the database's integers.
_NUMBER_MAX = 10**12
_EXAMPLE_PORTS = {"port": "8080", "tls_port": "6443"}
_SQLITE, _POSTGRES, _DRIVER = "sqlite:///", "postgresql://", "postgresql+psycopg://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one run of the program is told; units are the last word of each name."""

    home: Path = Path("~/.kuberklone")
    """Directory of everything the program keeps: the SQLite database, its backups, the lock of `up`."""

    database_url: str = field(default="", repr=False)  # It may hold a password, and a repr ends up in logs.
    """Where the state is kept: `sqlite:////absolute/path` or `postgresql://user:password@host:5432/name`.
    Empty means the file `kuberklone.db` in `home`."""

    server: str = ""
    """Address the commands talk to, such as `http://127.0.0.1:8080`. Empty means: where the `up` that runs on `home`
    listens, else `host` and `port`."""

    host: str = "127.0.0.1"
    """Address the API listens on. Loopback, because the API asks nobody who they are."""

    port: int = 8080
    """TCP port the API listens on."""

    insecure: bool = False
    """Allow `host` to be an address that other machines reach, although the API asks nobody who they are. To let
    them in, `tls_host` is the better way."""

    tls_host: str = ""
    """Address of a second listener of the API, with TLS and for holders of a token only: agents on other machines come
    in there. Empty means: there is none."""

    tls_port: int = 6443
    """TCP port of that listener: Kubernetes' own for its API."""

    docker_socket: str = "unix:///var/run/docker.sock"
    """Where the Docker Engine listens whose containers are the nodes of provider `docker`, and the pods on them."""

    node_image: str = "kuberklone:latest"
    """Image of the containers that are nodes: this program."""

    pause_image: str = "kuberklone-pause:latest"
    """Image of a pod that asks for nothing but room: a program that waits."""

    heartbeat_interval_s: float = 10.0
    """Seconds between two heartbeats of a node: Kubernetes' own figure, so that its habits carry over."""

    node_grace_s: float = 40.0
    """Seconds of silence after which a node is NotReady: four heartbeats, so that a single lost one is not a death."""

    toleration_s: float = 5.0
    """Seconds a pod stays on a node that was judged dead, where the pod says nothing itself. Kubernetes waits 300; five
    show a move while somebody watches."""

    restart_backoff_s: float = 10.0
    """Seconds between judging a node failed and its first restart; doubles with each attempt."""

    restart_backoff_max_s: float = 300.0
    """Seconds the doubling stops at, so that a node that comes back late is tried within five minutes."""

    restart_limit: int = 5
    """Restarts of a failed node before it is Failed for good: by default about five minutes of trying."""

    leadership_term_s: float = 4.0
    """Seconds without a renewal after which another copy of a controller takes over: several missed renewals, so that
    one slow commit is not a change of leader."""

    leadership_renewal_s: float = 1.0
    """Seconds between two renewals of a leadership."""

    poll_s: float = 0.05
    """Seconds between two looks at the change feed when no nudge came: what a lost nudge costs, and about the longest
    delay a person does not notice."""

    max_body_bytes: int = 1024 * 1024
    """Bytes a request's body may have: some hundred times the largest sensible record, small enough to hold in memory
    for every connection."""

    changes_keep_s: float = 3600.0
    """Seconds a watcher may be away and still resume where it was; an older cursor gets 410 and reads anew."""

    history_keep_s: float = 7 * 86400.0
    """Seconds the change log answers what the cluster looked like at an earlier moment."""

    history_rows_max: int = 1_000_000
    """Rows of the change log kept beyond those that watchers need: at 1.5 kB each about 1.5 GB, whatever the age."""

    decisions_keep_s: float = 86400.0
    """Seconds the scheduler's reasons are kept after they were last given: a day, because they explain the present."""

    placements_keep_s: float = 30 * 86400.0
    """Seconds it is kept who ran where, after the run ended: small rows, and the ones asked for weeks later."""

    events_keep_s: float = 86400.0
    """Seconds an event is kept after it last happened. Kubernetes keeps one hour; a day answers 'what happened last
    night'."""

    finished_pods_keep: int = 1000
    """Succeeded and failed pods kept for reading; beyond this number the oldest are removed."""

    wal_limit_bytes: int = 64 * 1024 * 1024
    """Bytes the file beside a SQLite database may keep after a checkpoint: enough for a burst, not for a disk."""

    sql_timeout_s: float = 30.0
    """Seconds a question of `kuberklone sql` may take: on Postgres one long-open snapshot slows down every writer."""

    log_format: LogFormat = "text"
    """`text` for people, `json` for programs that collect logs: one object per line."""

    log_level: LogLevel = "warning"
    """Least severe line that is written. `info` adds what each controller did in each pass."""

    def __post_init__(self) -> None:
        # Derived here and not in `resolve`, so that Settings made in code mean the same as those from a file.
        home = self.home.expanduser().absolute()
        object.__setattr__(self, "home", home)
        url = self.database_url or f"{_SQLITE}{home / 'kuberklone.db'}"
        if url.startswith(_POSTGRES):
            url = _DRIVER + url.removeprefix(_POSTGRES)
        object.__setattr__(self, "database_url", url)

    @property
    def url(self) -> str:
        """Where a program on this machine reaches the API that these settings start."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def database_shown(self) -> str:
        """The database's URL as it may be shown to people: without the password."""
        return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", self.database_url)

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith(_SQLITE)


NAMES: tuple[str, ...] = tuple(each.name for each in fields(Settings))

# Times that suit a classroom: a failed node is seen, emptied and restarted within twenty seconds.
DEMO: Mapping[str, float] = {
    "heartbeat_interval_s": 1.0,
    "node_grace_s": 3.0,
    "toleration_s": 2.0,
    "restart_backoff_s": 15.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The settings and, for each name, where its value came from."""

    settings: Settings
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A settings file as it was read."""

    path: Path
    values: Mapping[str, Any]


def load(
    flags: Mapping[str, Any], *, environ: Mapping[str, str] | None = None, cwd: Path | None = None, demo: bool = False
) -> Resolved:
    """Read the environment and the first settings file found, and resolve. A flag that is None was not given."""
    environment = os.environ if environ is None else environ
    here = (cwd or Path.cwd()) / TOML_NAME
    home = Path(str(flags.get("home") or environment.get(PREFIX + "HOME") or Settings().home)).expanduser()
    path = next((candidate for candidate in (here, home / TOML_NAME) if candidate.is_file()), None)
    toml = read_toml(path) if path else None
    if toml and path != here and "home" in toml.values:
        raise SettingsError(f"home in {path}: the file is found through home, so it cannot set it; remove that line.")
    return resolve(flags, environment, toml, demo=demo)


def read_toml(path: Path) -> TomlFile:
    try:
        return TomlFile(path=path, values=tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}. Write lines such as `port = 8081`.") from error


def resolve(
    flags: Mapping[str, Any], environ: Mapping[str, str], toml: TomlFile | None = None, *, demo: bool = False
) -> Resolved:
    """The value of every setting and its origin; raises SettingsError for the first that cannot be used."""
    if toml:
        _refuse_unknown(toml)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for each in fields(Settings):
        found = _find(each.name, flags, environ, toml, demo=demo)
        if found is None:
            origins[each.name] = "default"
            continue
        given, origins[each.name] = found
        values[each.name] = _parse(each.name, each.type, given, origins[each.name])
    resolved = Resolved(settings=Settings(**values), origins=origins)
    _check_consistency(resolved)
    return resolved


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: worth a warning, for they may be misspelt."""
    known = {PREFIX + name.upper() for name in NAMES}
    return sorted(
        name for name in environ if name.startswith(PREFIX) and not name.startswith(AGENT_PREFIX) and name not in known
    )


def check_bind(settings: Settings) -> None:
    """Refuse to listen where strangers can reach an API that asks nobody who they are."""
    if settings.host in LOOPBACK or settings.host.startswith("127.") or settings.insecure:
        return
    raise SettingsError(
        f"host {settings.host} can be reached from other machines and that listener has no authentication: anybody "
        f"could delete the cluster. Use --set tls_host={settings.host}, where only holders of a token come in, or "
        "--insecure if the network is trusted."
    )


def unit(name: str) -> str:
    """The unit of a setting, read off its name."""
    return "s" if name.endswith("_s") else "bytes" if name.endswith("_bytes") else ""


def _find(
    name: str, flags: Mapping[str, Any], environ: Mapping[str, str], toml: TomlFile | None, *, demo: bool
) -> tuple[Any, str] | None:
    variable = PREFIX + name.upper()
    if flags.get(name) is not None:
        return flags[name], "the command line"
    # An empty variable is what `docker compose` passes for one that is not set, so it counts as not given.
    if environ.get(variable):
        return environ[variable], f"environment {variable}"
    if toml and name in toml.values:
        return toml.values[name], str(toml.path)
    if demo and name in DEMO:
        return DEMO[name], "demo"
    return None


def _refuse_unknown(toml: TomlFile) -> None:
    for key in toml.values:
        if key not in NAMES:
            close = difflib.get_close_matches(key, NAMES, n=1)
            remedy = f"did you mean `{close[0]}`?" if close else "`kuberklone settings` lists the names."
            raise SettingsError(f"{key} in {toml.path} is not a setting; {remedy}")


def _parse(name: str, kind: Any, given: Any, origin: str) -> Any:
    def refuse(expected: str) -> SettingsError:
        return SettingsError(f"{name} from {origin} is {given!r}; send {expected}.")

    if get_origin(kind) is Literal:
        if given not in get_args(kind):
            raise refuse("one of " + ", ".join(get_args(kind)))
        return given
    if kind is bool:
        return _parse_bool(given, refuse("true or false"))
    if kind in (int, float):
        example = _EXAMPLE_PORTS.get(name, "30")
        what = "a number" if kind is float else "a whole number"
        number = _parse_number(kind, given, refuse(f"{what} greater than zero, such as {example}"))
        if name in _EXAMPLE_PORTS and number > 65535:
            raise refuse("a port between 1 and 65535, such as 8081")
        return number
    if not isinstance(given, (str, Path)) or not str(given):
        raise refuse("text")
    if name == "database_url":
        _check_database_url(str(given), origin)
    return Path(given) if kind is Path else str(given)


def _parse_bool(given: Any, refusal: SettingsError) -> bool:
    if isinstance(given, bool):
        return given
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(given, str) and given.lower() in words:
        return words[given.lower()]
    raise refusal


def _parse_number(kind: type[int] | type[float], given: Any, refusal: SettingsError) -> int | float:
    # A bool is an int to Python; `port = true` is a mistake to a person.
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise refusal
    if kind is int and isinstance(given, float):
        raise refusal
    try:
        number = kind(given)
    except ValueError as error:
        raise refusal from error
    if not math.isfinite(number) or not 0 < number <= _NUMBER_MAX:
        raise refusal
    return number


def _check_database_url(url: str, origin: str) -> None:
    if url.startswith((_POSTGRES, _DRIVER)):
        return
    if not url.startswith(_SQLITE):
        scheme = url.split(":", 1)[0]
        raise SettingsError(
            f"database_url from {origin} starts with {scheme!r}; "
            "send sqlite:////absolute/path.db or postgresql://user:password@host:5432/name."
        )
    if url in {_SQLITE, _SQLITE + ":memory:"}:
        raise SettingsError(
            f"database_url from {origin} names no file, and the API and the controllers are processes that share one; "
            "send sqlite:////absolute/path.db."
        )


def _check_consistency(resolved: Resolved) -> None:
    settings, origins = resolved.settings, resolved.origins
    rules = (
        (
            "node_grace_s", 2 * settings.heartbeat_interval_s, "twice heartbeat_interval_s",
            "one lost heartbeat would be taken for a dead node",
        ),
        (
            "restart_backoff_max_s", settings.restart_backoff_s, "restart_backoff_s",
            "the back-off cannot end below where it starts",
        ),
        (
            "leadership_term_s", 3 * settings.leadership_renewal_s, "three times leadership_renewal_s",
            "one slow commit would change the leader",
        ),
        (
            "history_keep_s", settings.changes_keep_s, "changes_keep_s",
            "watchers resume from the same rows that hold the history",
        ),
    )  # fmt: skip
    for name, least, rule, reason in rules:
        value = getattr(settings, name)
        if value < least:
            raise SettingsError(
                f"{name} from {origins[name]} is {value:g}; it must be at least {rule}, here {least:g}: {reason}."
            )
