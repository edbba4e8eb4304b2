"""CronJob: a job at certain times."""

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, job_spec, pod_defaults, pod_rules, rules
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_POLICIES = ("Allow", "Forbid", "Replace")
_KEPT = {"successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1}
_WORDS = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \d+[smh](\d+[smh])*)")
_FIELD = re.compile(r"[\d*?/,\-]+|[\da-zA-Z,\-*/?#]+")


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
    spec["suspend"] = bool(spec.get("suspend"))
    for field, value in _KEPT.items():
        if spec.get(field) is None:
            spec[field] = value
    job = columns.at(spec, "jobTemplate.spec")
    if isinstance(job, dict):
        # The rest of a job's defaults are filled in when the job is made.
        pod_defaults.template(job)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    spec = document.get("spec") or {}
    job = columns.at(spec, "jobTemplate.spec") or {}
    problems = [
        *_schedule(spec.get("schedule") or ""),
        *rules.one_of("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), _POLICIES),
        *job_spec.problems(job, "spec.jobTemplate.spec"),
        *pod_rules.template(job, "spec.jobTemplate.spec.template"),
    ]
    for field in (*_KEPT, "startingDeadlineSeconds"):
        problems += rules.not_negative(f"spec.{field}", spec.get(field))
    zone = spec.get("timeZone")
    if zone is not None and zone not in available_timezones():
        problems.append(rules.invalid("spec.timeZone", zone, f"unknown time zone {zone}"))
    if len(document["metadata"].get("name") or "") > 52:
        # Eleven characters of time are added to make the names of its jobs.
        name = document["metadata"]["name"]
        problems.append(rules.invalid("metadata.name", name, "must be no more than 52 characters"))
    return problems


def _schedule(text: str) -> list[Problem]:
    if not text:
        return [rules.required("spec.schedule")]
    fields = text.split()
    if _WORDS.fullmatch(text) or (len(fields) == 5 and all(_FIELD.fullmatch(field) for field in fields)):
        return []
    detail = f"expected exactly 5 fields, found {len(fields)}: {fields}" if len(fields) != 5 else "failed to parse"
    return [rules.invalid("spec.schedule", text, detail)]


def _suspended(document: Document, now_ms: int) -> str:
    del now_ms
    return str(bool(columns.at(document, "spec.suspend")))


def _active(document: Document, now_ms: int) -> int:
    del now_ms
    active: Any = columns.at(document, "status.active") or []
    return len(active)


KIND = declare(
    kind="CronJob",
    resource="cronjobs",
    api_version="batch/v1",
    short_names=("cj",),
    categories=("all",),
    subresources=(STATUS,),
    columns=(
        columns.NAME,
        Column(name="Schedule", description="When, in the words of cron.", value=columns.text("spec.schedule")),
        Column(name="Timezone", description="Whose time.", value=columns.text("spec.timeZone", columns.UNSET)),
        Column(name="Suspend", type="boolean", description="Whether it rests.", value=_suspended),
        Column(name="Active", type="integer", description="Jobs that run.", value=_active),
        Column(
            name="Last Schedule",
            description="How long ago it made a job.",
            value=columns.since("status.lastScheduleTime", columns.UNSET),
        ),
        columns.AGE,
        *columns.containers("spec.jobTemplate.spec.template.spec"),
        Column(
            name="Selector",
            priority=1,
            description="Labels of its pods.",
            value=columns.label_selector("spec.jobTemplate.spec.selector"),
        ),
    ),
    default=_default,
    validate=_validate,
    acts="Kept. No jobs follow.",
    warning="no controller acts on cron jobs yet: no jobs follow",
)
