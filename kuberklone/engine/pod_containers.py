"""Containers of pods in an engine: made, started, ended and looked at, each call once and safe to repeat."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from docker.utils import parse_repository_tag
from msgspec import DecodeError, json

from kuberklone.engine import labels
from kuberklone.engine.connection import Engine
from kuberklone.errors import ContainerMissing, EngineError, ImageMissing, NameTaken, WrongState

# Idle registries and slow lines are silent for a while; an engine that says nothing for two minutes is stuck.
_PULL_SILENCE_S = 120
# What the kubelet keeps of a container's log, roughly: enough to read, too little to fill a disk.
_LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
# What changes a container; commands inside it would be told of as well.
_NEWS = ["start", "die", "destroy", "oom"]
# The least that the engine accepts.
_MEMORY_BYTES_MIN = 6 * 2**20
_CPU_SHARES_MIN = 2
_CPU_MILLIS_MIN = 10
_CPU_SHARES_PER_CORE = 1024

State = Literal["Created", "Running", "Exited"]
# A paused container holds its place as a running one does, and one that the engine is removing is over.
_STATES: dict[str, State] = {
    "created": "Created",
    "running": "Running",
    "paused": "Running",
    "restarting": "Running",
    "removing": "Exited",
    "exited": "Exited",
    "dead": "Exited",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Everything a container is made of."""

    name: str
    image: str
    labels: Mapping[str, str]
    """Whoever carries all of them is this run of this container."""
    notes: Mapping[str, str]
    """Further labels: what the next agent needs to know of it."""
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str]
    working_dir: str = ""
    user: str = ""
    hostname: str = ""
    cpu_limit_millis: int | None = None
    cpu_request_millis: int | None = None
    memory_limit_bytes: int | None = None
    network_of: str | None = None
    """The container whose network it shares; a network of its own where there is none."""
    cgroup_parent: str = ""
    stdin: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What one request tells of every container of a node."""

    id: str
    state: State
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What has to be asked of each container alone."""

    id: str
    state: State
    started_at: str
    ended_at: str
    exit_code: int
    out_of_memory: bool
    error: str
    image_id: str
    address: str
    stop_signal: str
    tty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a container has used of the processor since its start, and uses of memory now."""

    cpu_ns: int
    memory_bytes: int


class PodContainers:
    """The containers of one node's pods in an engine. No other container is ever seen or touched."""

    def __init__(self, engine: Engine, *, cluster: str, node_uid: str) -> None:
        self._engine = engine
        self._api = engine.api
        self._filters = {"label": labels.query(cluster, "pod", node_uid=node_uid)}

    def movable(self) -> list[str]:
        """Ids of those, running or not, whose pods the cluster starts elsewhere when the node is lost."""
        return [each.id for each in self.listed() if each.labels.get(labels.ON_NODE_FAILURE) == "Reschedule"]

    def listed(self) -> list[Listed]:
        """All of them, whatever their state."""
        try:
            found = self._listing()
        except ContainerMissing:
            # One that is removed while the engine puts the list together makes it answer 404; asked again, it is gone.
            found = self._listing()
        return [
            Listed(id=each["Id"], state=_STATES.get(each["State"], "Exited"), labels=each["Labels"]) for each in found
        ]

    def _listing(self) -> list[dict[str, Any]]:
        with self._engine.asked("list the containers of pods"):
            return cast(list[dict[str, Any]], self._api.containers(all=True, filters=self._filters))

    def inspected(self, container_id: str) -> Inspected:
        with self._engine.asked("inspect a pod's container"):
            found: dict[str, Any] = self._api.inspect_container(container_id)
        state, config = found["State"], found["Config"]
        networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
        return Inspected(
            id=found["Id"],
            state=_STATES.get(state["Status"], "Exited"),
            started_at=state["StartedAt"],
            ended_at=state["FinishedAt"],
            exit_code=state["ExitCode"],
            out_of_memory=bool(state["OOMKilled"]),
            error=state["Error"],
            image_id=found["Image"],
            address=next((each["IPAddress"] for each in networks.values() if each.get("IPAddress")), ""),
            stop_signal=config.get("StopSignal") or "SIGTERM",
            tty=bool(config.get("Tty")),
        )

    def has_image(self, image: str) -> bool:
        try:
            with self._engine.asked(f"look for the image {image}"):
                self._api.inspect_image(image)
        except ImageMissing:
            return False
        return True

    def pull(self, image: str) -> None:
        """Fetch an image from its registry; raises EngineError with the engine's reason."""
        repository, tag = parse_repository_tag(image)
        # The SDK's own `pull` waits for ever for an engine that says nothing.
        with self._engine.asked(f"pull the image {image}"):
            answer = self._api.post(
                f"{self._api.base_url}/v{self._api.api_version}/images/create",
                params={"fromImage": repository, "tag": tag or "latest"},
                stream=True,
                timeout=_PULL_SILENCE_S,
            )
            with answer:
                lines = [_json(line) for line in answer.iter_lines() if line]
        for line in lines:
            reason = line.get("error") or (line.get("message") if answer.status_code >= 400 else None)
            if reason:
                raise EngineError(f"pull the image {image}: {reason}")

    def create(self, wanted: Wanted) -> str:
        """Make it and return its id. One that an earlier call made, whose answer was lost, is taken over."""
        try:
            with self._engine.asked(f"create the container {wanted.name}"):
                made = self._api.create_container_from_config(_config(wanted), wanted.name)
        except NameTaken:
            return self._own(wanted)
        return cast(str, made["Id"])

    def _own(self, wanted: Wanted) -> str:
        with self._engine.asked(f"inspect the container {wanted.name}"):
            found: dict[str, Any] = self._api.inspect_container(wanted.name)
        carried = found["Config"]["Labels"] or {}
        if any(carried.get(label) != value for label, value in wanted.labels.items()):
            raise NameTaken(f"the name {wanted.name} is taken by a container that is none of this node's; remove it.")
        return cast(str, found["Id"])

    def start(self, container_id: str) -> None:
        """Start one that was never started; one that runs, or has run, is left as it is."""
        if self.inspected(container_id).state != "Created":
            return
        with self._engine.asked("start a pod's container"):
            self._api.start(container_id)

    def signal(self, container_id: str) -> None:
        """Ask it to end, with the signal that its image wants for it."""
        try:
            stop_signal = self.inspected(container_id).stop_signal
            with self._engine.asked("stop a pod's container"):
                self._api.kill(container_id, signal=stop_signal)
        except (ContainerMissing, WrongState):
            pass  # it has ended meanwhile

    def kill(self, container_id: str) -> None:
        try:
            with self._engine.asked("kill a pod's container"):
                self._api.kill(container_id)
        except (ContainerMissing, WrongState):
            pass

    def remove(self, container_id: str) -> None:
        """Leave nothing of it, even if it runs."""
        try:
            with self._engine.asked("remove a pod's container"):
                self._api.remove_container(container_id, force=True, v=True)
        except (ContainerMissing, WrongState):
            pass  # gone, or another call is removing it: the next list says which

    def use(self, container_id: str) -> Use:
        """What it uses, from one look: without `one_shot` the engine takes two, a second apart."""
        with self._engine.asked("read what a container uses"):
            found: dict[str, Any] = self._api.stats(container_id, stream=False, one_shot=True)
        memory = found.get("memory_stats") or {}
        details = memory.get("stats") or {}
        # The kernel takes back files it has not used of late when memory is short, so they do not count (cAdvisor).
        idle = details.get("total_inactive_file", details.get("inactive_file", 0))
        return Use(
            cpu_ns=int(found["cpu_stats"]["cpu_usage"]["total_usage"]),
            memory_bytes=max(0, int(memory.get("usage", 0)) - int(idle)),
        )

    def events(self, *, silence_s: float) -> Iterator[str]:
        """Ids of containers of ours to which something happened; ends, in silence or with an error, at any time."""
        # The SDK's own `events` has no deadline.
        with self._engine.asked("tell of events"):
            answer = self._api.get(
                f"{self._api.base_url}/v{self._api.api_version}/events",
                params={"filters": json.encode(self._filters | {"type": ["container"], "event": _NEWS}).decode()},
                stream=True,
                timeout=silence_s,
            )
            with answer:
                answer.raise_for_status()
                for line in answer.iter_lines(chunk_size=None):
                    yield str(_json(line).get("id", "")) if line else ""


def _config(wanted: Wanted) -> dict[str, Any]:
    host: dict[str, Any] = {"LogConfig": _LOG}
    if wanted.network_of is not None:
        host["NetworkMode"] = f"container:{wanted.network_of}"
    if wanted.cgroup_parent:
        host["CgroupParent"] = wanted.cgroup_parent
    if wanted.cpu_limit_millis is not None:
        host["NanoCpus"] = max(_CPU_MILLIS_MIN, wanted.cpu_limit_millis) * 1_000_000
    request_millis = wanted.cpu_request_millis if wanted.cpu_request_millis is not None else wanted.cpu_limit_millis
    if request_millis is not None:
        host["CpuShares"] = max(_CPU_SHARES_MIN, request_millis * _CPU_SHARES_PER_CORE // 1000)
    if wanted.memory_limit_bytes is not None:
        # Equal, so that the limit cannot be passed by swapping.
        host["Memory"] = host["MemorySwap"] = max(_MEMORY_BYTES_MIN, wanted.memory_limit_bytes)
    config: dict[str, Any] = {
        "Image": wanted.image,
        "Labels": {**wanted.notes, **wanted.labels},
        "Env": [f"{name}={value}" for name, value in wanted.environment.items()],
        "OpenStdin": wanted.stdin,
        "Tty": wanted.tty,
        "HostConfig": host,
    }
    # What is not given is the image's; an entrypoint without a command drops the image's command, as in Kubernetes.
    if wanted.entrypoint:
        config["Entrypoint"] = list(wanted.entrypoint)
    if wanted.command:
        config["Cmd"] = list(wanted.command)
    if wanted.working_dir:
        config["WorkingDir"] = wanted.working_dir
    if wanted.user:
        config["User"] = wanted.user
    if wanted.hostname and wanted.network_of is None:
        config["Hostname"] = wanted.hostname
    return config


def _json(line: bytes) -> dict[str, Any]:
    try:
        found = json.decode(line)
    except DecodeError:
        return {"message": line.decode(errors="replace")}
    return found if isinstance(found, dict) else {}
