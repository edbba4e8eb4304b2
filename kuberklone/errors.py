"""The one tree of errors this program raises on purpose.

    KuberkloneError
    ├── SettingsError            a setting is missing, malformed or contradicts another
    ├── InvalidField             a request names something that cannot be (field, what to send instead)
    ├── Invalid                  a document that can be read may not be so (one cause for each bad field)
    ├── Malformed                a body, a selector or a parameter cannot be read
    │   └── UnsupportedMediaType     a body is of a type that nobody here reads
    ├── NotFound                 no record of that name
    ├── Unauthenticated          who asks is not known: no token, a wrong one, or one that ended
    ├── Forbidden                who asks may not do this, or a rule of the cluster forbids it to everybody
    ├── Conflict                 the record is not what the writer read, or a name is taken
    │   ├── AlreadyExists
    │   ├── ApplyConflict        somebody else owns fields that an apply would change
    │   └── Superseded           another process of the node's agent speaks for the node now
    ├── Refused                  the request is well formed but the state of the record forbids it
    │   ├── DisruptionRefused    an eviction would leave a budget too few healthy pods
    │   └── SeveralBudgets       more than one budget speaks of the pod to be evicted
    ├── Overloaded               a bounded queue is full; try again later
    ├── NodeUnreachable          what only the node's agent can do cannot be done: the agent is not there
    ├── ApiUnavailable           the API cannot be reached by an agent
    ├── QueryError               a read-only SQL question was refused by the database
    ├── EngineError              a Docker Engine refused or failed
    │   ├── EngineUnavailable    nothing answers at its socket
    │   ├── EngineTimeout        it did not answer in time; whether it did what was asked is not known
    │   ├── ContainerMissing     it knows nothing of that name
    │   ├── ImageMissing         it does not have the image
    │   ├── NameTaken            a container of that name exists
    │   └── WrongState           the container's state forbids it
    └── StoreError
        ├── StoreUnavailable     the database cannot be reached or has no room
        ├── SchemaTooNew         the database was written by a newer program
        ├── SchemaOutdated       the database has to be migrated first
        ├── OutcomeUnknown       the connection broke at COMMIT and the outcome could not be settled
        ├── LeadershipLost       a write was fenced off: another copy leads now
        └── CursorExpired        a feed cursor is older than what is kept

No class knows about HTTP: `kuberklone/api/problems.py` holds the only table that does. A class's docstring is its
default message.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of a refusal: metav1.StatusCause."""

    field: str
    """Such as `spec.containers[0].name`."""
    reason: str
    """One word that programs know, such as FieldValueRequired."""
    message: str


class KuberkloneError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class SettingsError(KuberkloneError):
    """A setting cannot be used."""


class InvalidField(KuberkloneError):
    """A field of the request cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Invalid(KuberkloneError):
    """The document is not valid."""

    def __init__(
        self, message: str | None = None, *, causes: tuple[Cause, ...] = (), kind: str = "", name: str = ""
    ) -> None:
        super().__init__(message)
        self.causes = causes
        self.kind = kind
        """What the document is, such as Pod."""
        self.name = name


class Malformed(KuberkloneError):
    """The request cannot be read."""


class UnsupportedMediaType(Malformed):
    """The body is of a type that nobody here reads."""


class NotFound(KuberkloneError):
    """There is no record of that name."""

    def __init__(self, message: str | None = None, *, resource: str = "", name: str = "") -> None:
        super().__init__(message)
        self.resource = resource
        """What is missing, where that is not what the request names: `namespaces`."""
        self.name = name


class Unauthenticated(KuberkloneError):
    """Who asks is not known."""


class Forbidden(KuberkloneError):
    """Who asks may not do this."""

    def __init__(self, message: str | None = None, *, causes: tuple[Cause, ...] = ()) -> None:
        super().__init__(message)
        self.causes = causes


class Conflict(KuberkloneError):
    """The record changed since it was read."""


class AlreadyExists(Conflict):
    """A record of that name exists already."""

    def __init__(self, field: str, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.name = name


class ApplyConflict(Conflict):
    """Others own fields that this would change."""

    def __init__(self, message: str, *, causes: tuple[Cause, ...]) -> None:
        super().__init__(message)
        self.causes = causes


class Superseded(Conflict):
    """Another process of the agent speaks for this node now."""


class Refused(KuberkloneError):
    """The state of the record does not allow this."""


class DisruptionRefused(Refused):
    """Cannot evict pod as it would violate the pod's disruption budget."""

    def __init__(self, cause: str) -> None:
        super().__init__()
        self.causes = (Cause(field="", reason="DisruptionBudget", message=cause),)


class SeveralBudgets(Refused):
    """This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."""


class Overloaded(KuberkloneError):
    """Too many requests are waiting to be written; try again in a second."""


class NodeUnreachable(KuberkloneError):
    """The node's agent cannot be reached."""


class ApiUnavailable(KuberkloneError):
    """The API cannot be reached."""


class QueryError(KuberkloneError):
    """The database refused the question."""


class EngineError(KuberkloneError):
    """The Docker Engine refused or failed."""


class EngineUnavailable(EngineError):
    """No Docker Engine answers."""


class EngineTimeout(EngineError):
    """The Docker Engine did not answer in time."""


class ContainerMissing(EngineError):
    """The Docker Engine knows nothing of that name."""


class ImageMissing(EngineError):
    """The Docker Engine does not have that image."""


class NameTaken(EngineError):
    """A container of that name exists already."""


class WrongState(EngineError):
    """The state of the container does not allow this."""


class StoreError(KuberkloneError):
    """The store failed."""


class StoreUnavailable(StoreError):
    """The database cannot be used right now."""


class SchemaTooNew(StoreError):
    """The database was written by a newer KuberKlone; install that version or restore a backup."""


class SchemaOutdated(StoreError):
    """The database has an older schema; run `kuberklone db upgrade`."""


class OutcomeUnknown(StoreError):
    """The connection broke while committing and the outcome could not be settled."""


class LeadershipLost(StoreError):
    """Another copy of this controller leads now; this write was not done."""


class CursorExpired(StoreError):
    """The change feed no longer reaches back that far; read the tables anew."""
