"""Who asks, in the words of Kubernetes: what `kubectl auth whoami` shows."""

from dataclasses import dataclass
from typing import Any

from litestar.types import HTTPScope, WebSocketScope

from kuberklone.apimachinery.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    name: str
    groups: tuple[str, ...]

    def document(self) -> Document:
        """As UserInfo."""
        return {"username": self.name, "groups": list(self.groups)}


ANONYMOUS = User(name="system:anonymous", groups=("system:unauthenticated",))
"""Whoever reaches the plain listener, which only this machine does; nobody is asked there."""
ADMINISTRATOR = User(name="kuberklone:admin", groups=("system:masters", "system:authenticated"))


def of(scope: HTTPScope | WebSocketScope) -> User:
    """The user behind a request, by the token that let it in."""
    identity: Any = scope.get("auth")
    return ANONYMOUS if identity is None or identity.purpose != "admin" else named(identity.subject)


def named(subject: str) -> User:
    """Whom a token that may do anything stands for: a service account, or the administrator."""
    match subject.split(":"):
        case ["system", "serviceaccount", namespace, _]:
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
            return User(name=subject, groups=groups)
        case _:
            return ADMINISTRATOR


def service_account(namespace: str, name: str) -> str:
    """The name of a service account as a user."""
    return f"system:serviceaccount:{namespace}:{name}"
