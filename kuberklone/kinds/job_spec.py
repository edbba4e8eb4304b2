"""The specification of a job, by itself and as the template of a CronJob: defaults and rules."""

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import pod_defaults, rules

_BACKOFF_LIMIT = 6
_MODES = ("Indexed", "NonIndexed")
_RESTART_POLICIES = ("Never", "OnFailure")


def default(spec: Document) -> None:
    """Fills in what Kubernetes does (`SetDefaults_Job`)."""
    if spec.get("parallelism") is None:
        if spec.get("completions") is None:
            spec["completions"] = 1
        spec["parallelism"] = 1
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = rules.INT32_MAX if spec.get("backoffLimitPerIndex") is not None else _BACKOFF_LIMIT
    spec["completionMode"] = spec.get("completionMode") or "NonIndexed"
    for field in ("suspend", "manualSelector"):
        spec[field] = bool(spec.get(field))
    if not spec.get("podReplacementPolicy"):
        spec["podReplacementPolicy"] = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    pod_defaults.template(spec)


def problems(spec: Document, path: str) -> list[Problem]:
    """What is wrong beyond the schema, but for the template."""
    found = [
        *rules.not_negative(f"{path}.parallelism", spec.get("parallelism")),
        *rules.not_negative(f"{path}.completions", spec.get("completions")),
        *rules.not_negative(f"{path}.backoffLimit", spec.get("backoffLimit")),
        *rules.not_negative(f"{path}.activeDeadlineSeconds", spec.get("activeDeadlineSeconds")),
        *rules.not_negative(f"{path}.ttlSecondsAfterFinished", spec.get("ttlSecondsAfterFinished")),
        *rules.one_of(f"{path}.completionMode", spec.get("completionMode"), _MODES),
    ]
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy")
    if policy not in _RESTART_POLICIES:
        found.append(rules.unsupported(f"{path}.template.spec.restartPolicy", policy, _RESTART_POLICIES))
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        found.append(rules.required(f"{path}.completions", "when completion mode is Indexed"))
    return found
