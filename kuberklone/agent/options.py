"""What an agent is told when it starts: environment variables, which `kuberklone agent` sets from its options.

A container is configured by its environment anyway, and a token in an argument would be shown by `ps` to everybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kuberklone.errors import InvalidField, SettingsError, Unauthenticated
from kuberklone.kinds import names, quantity, token
from kuberklone.kinds.token import TokenText
from kuberklone.settings import AGENT_PREFIX as PREFIX
from kuberklone.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    server: str
    token: TokenText | None
    """None where the machine is a member already."""
    state_dir: Path
    docker_socket: str
    pause_image: str
    container: str = ""
    """Name of the container that is the node. Empty on a machine that joins by itself."""
    boot_id: str = ""
    name: str | None = None
    cpus: str | None = None
    memory: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def read(environ: Mapping[str, str], settings: Settings) -> Options:
    """Raises SettingsError, which names the variable and the option that cannot be used."""
    given = {
        name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX) and value
    }
    server = given.get("server", "").rstrip("/")
    if not server:
        raise SettingsError(f"--server ({PREFIX}SERVER) is missing; send a URL such as https://10.0.0.1:6443.")
    container, boot_id = given.get("container", ""), given.get("boot_id", "")
    if bool(container) != bool(boot_id):
        raise SettingsError(f"{PREFIX}CONTAINER and {PREFIX}BOOT_ID go together: a node container is given both.")
    return Options(
        server=server,
        token=_token(given.get("token")),
        state_dir=Path(given.get("state_dir") or _state_dir(environ)).expanduser().absolute(),
        docker_socket=given.get("docker_socket") or settings.docker_socket,
        pause_image=given.get("pause_image") or settings.pause_image,
        container=container,
        boot_id=boot_id,
        name=_checked("name", given.get("name"), lambda value: names.name(value, field="name")),
        cpus=_checked("cpus", given.get("cpus"), lambda value: quantity.cpu_millis(value, field="cpus")),
        memory=_checked("memory", given.get("memory"), lambda value: quantity.memory_bytes(value, field="memory")),
        labels=_labels(given.get("labels", "")),
    )


def _state_dir(environ: Mapping[str, str]) -> Path:
    """Where the XDG specification keeps what is neither configuration nor cache."""
    return Path(environ.get("XDG_STATE_HOME") or "~/.local/state") / "kuberklone" / "agent"


def _token(text: str | None) -> TokenText | None:
    if text is None:
        return None
    try:
        return token.parse(text)
    except Unauthenticated as error:
        raise SettingsError(f"--token ({PREFIX}TOKEN): {error}") from error


def _checked(name: str, value: str | None, check: Callable[[str], object]) -> str | None:
    if value is None:
        return None
    try:
        check(value)
    except InvalidField as error:
        raise SettingsError(f"--{name} ({PREFIX}{name.upper()}): {error}.") from error
    return value


def _labels(text: str) -> dict[str, str]:
    """`key=value,key=value`; neither keys nor values of labels contain a comma."""
    found: dict[str, str] = {}
    for each in filter(None, text.split(",")):
        key, equals, value = each.partition("=")
        if not equals:
            raise SettingsError(f"--label {each} ({PREFIX}LABELS): send KEY=VALUE, such as disk=ssd.")
        found[key] = value
    try:
        return names.labels(found, field="labels")
    except InvalidField as error:
        raise SettingsError(f"--label ({PREFIX}LABELS): {error}.") from error
