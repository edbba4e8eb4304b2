"""An operator in kopf: labels every pod that it sees created, and says what it was told.

Run by tests/clients/test_kopf.py as `kopf run`, in a process of its own, as people run theirs.
"""

from typing import Any

import kopf


@kopf.on.startup()
def begin(settings: kopf.OperatorSettings, **_: Any) -> None:
    # Its events are a feature of their own; here only what it watches and patches is looked at.
    settings.posting.enabled = False


@kopf.on.create("", "v1", "pods")
def adopt(name: str | None, patch: kopf.Patch, **_: Any) -> None:
    patch.setdefault("metadata", {})["labels"] = {"seen-by": "kopf"}


@kopf.on.field("", "v1", "pods", field="status.phase", new="Running")
def notice(patch: kopf.Patch, **_: Any) -> None:
    patch.setdefault("metadata", {}).setdefault("annotations", {})["kopf.dev/saw"] = "Running"
