"""The one tree of errors this program raises on purpose.

    KuberkloneError
    ├── SettingsError            a setting is missing, malformed or contradicts another
    ├── InvalidField             a request names something that cannot be (field, what to send instead)
    ├── NotFound                 no record of that name
    ├── Unauthenticated          who asks is not known: no token, a wrong one, or one that ended
    ├── Forbidden                who asks is known and may not do this
    ├── Conflict                 the record is not what the writer read, or a name is taken
    │   ├── AlreadyExists
    │   └── Superseded           another process of the node's agent speaks for the node now
    ├── Refused                  the request is well formed but the state of the record forbids it
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


class NotFound(KuberkloneError):
    """There is no record of that name."""


class Unauthenticated(KuberkloneError):
    """Who asks is not known."""


class Forbidden(KuberkloneError):
    """Who asks may not do this."""


class Conflict(KuberkloneError):
    """The record changed since it was read."""


class AlreadyExists(Conflict):
    """A record of that name exists already."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Superseded(Conflict):
    """Another process of the agent speaks for this node now."""


class Refused(KuberkloneError):
    """The state of the record does not allow this."""


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
