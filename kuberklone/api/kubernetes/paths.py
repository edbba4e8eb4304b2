"""What a path of the Kubernetes API means: the resource, the object and the subresource that it names."""

from dataclasses import dataclass

_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """`/apis/GROUP/VERSION[/namespaces/NS]/RESOURCE[/NAME[/SUBRESOURCE[/TAIL]]]`; empty where nothing stands."""

    group: str
    version: str
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    tail: str = ""
    """What follows a subresource such as `proxy`."""
    is_old_watch: bool = False
    """Whether it has the old form `/api/v1/watch/…`, which means `?watch=true`."""

    @property
    def api_version(self) -> str:
        """As it stands in documents: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def pattern(self) -> str:
        """The path without what its writer chose, for counting: `/apis/apps/v1/deployments/{name}`."""
        head = "/api/v1" if not self.group else f"/apis/{self.group}/{self.version}"
        parts = [head, self.resource, "{name}" if self.name else "", self.subresource]
        return "/".join(part for part in parts if part)


def parse(path: str) -> ResourcePath | None:
    """The meaning of a path below `/api/` or `/apis/`; None where it can have none. Slashes at the end are ignored."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest] if group:
            pass
        case _:
            return None
    if "" in rest or "\0" in path:
        return None  # no name holds a zero byte, and no statement of a database
    is_old_watch = len(rest) > 1 and rest[0] == "watch"
    if is_old_watch:
        rest = rest[1:]
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and rest[2] not in _NAMESPACE_SUBRESOURCES:
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = [*rest[:3], "", "", ""][:3]
    return ResourcePath(
        group=group,
        version=version,
        resource=resource,
        namespace=namespace,
        name=name,
        subresource=subresource,
        tail="/".join(rest[3:]),
        is_old_watch=is_old_watch,
    )
