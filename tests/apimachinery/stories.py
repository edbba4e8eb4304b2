"""Tells a story of writes with our field management, in the form in which Go answers."""

from typing import Any

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.managed_fields import applying, entries, writing
from kuberklone.apimachinery.managed_fields.writing import Write
from kuberklone.errors import ApplyConflict, Malformed

Document = dict[str, Any]
NOW = "2026-01-01T00:00:00Z"


def tell(story: Document) -> list[Document]:
    """The object after each write, or why it was refused. The object begins as nothing but its kind."""
    api_version, kind = story["apiVersion"], story["kind"]
    live: Document = {"apiVersion": api_version, "kind": kind}
    managed: entries.Managed = {}
    chapters: list[Document] = []
    for each in story["writes"]:
        schema = schemas.schema_of(api_version, kind)
        write = Write(manager=each["manager"], api_version=api_version, now=NOW, schema=schema, ignored=())
        wanted = each["document"]
        try:
            if each["operation"] == "apply":
                result, managed = applying.applied(managed, live, wanted, write, force=each["force"])
                live = applying.with_annotation(result, wanted, write.manager)
            else:
                managed = writing.record(managed, live, wanted, write)
                live = wanted
        except ApplyConflict as error:
            chapters.append({"conflicts": [cause.field for cause in error.causes], "message": str(error)})
        except Malformed as error:
            chapters.append({"error": str(error)})
        else:
            chapters.append({"document": live, "managers": owners(entries.encode(managed))})
    return chapters


def owners(given: list[Document]) -> list[Document]:
    """The entries without their times, which a story has none of."""
    return sorted(
        ({name: value for name, value in entry.items() if name != "time"} for entry in given),
        key=lambda entry: (entry["operation"], entry["manager"]),
    )


def answered(chapter: Document) -> Document:
    """What Go says about a write, in the form of ours."""
    if "document" not in chapter:
        return {name: value for name, value in chapter.items() if name in {"conflicts", "message", "error"}}
    document = chapter["document"]
    metadata = dict(document.get("metadata") or {})
    managers = owners(metadata.pop("managedFields", []))
    return {"document": document | {"metadata": metadata}, "managers": managers}


def plain(value: Any) -> Any:
    """Without what is null and, since Go leaves empty objects behind where it removed the last field, what is empty."""
    if isinstance(value, dict):
        kept = {name: plain(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value
