"""Decides what a Deployment does next: which sets it claims, makes, scales and forgets, and what its status says.

Source: Kubernetes' deployment controller (`syncDeployment`). Like there a pass is one small step, and the status, which
the sets' own loop writes, says when the next one may come; so at no moment are there more pods than the surge allows,
and no step makes the available ones fewer than may be unavailable.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from controllers.deployment import conditions, revisions, rolling
from controllers.deployment.facts import DeploymentFacts, SetFacts, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSet:
    """The set to be made for the present template."""

    name: str
    template_hash: str
    replicas: int
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChange:
    """What a set shall be; what is None stays."""

    uid: str
    replicas: int | None = None
    annotations: Mapping[str, str] | None = None
    min_ready_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What people are told."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """For one Deployment, to be written together while it and these sets are as they were read."""

    adopted: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    new: NewSet | None = None
    changes: tuple[SetChange, ...] = ()
    forgotten: tuple[str, ...] = ()
    """Sets of old revisions that nobody keeps any more."""
    revision: int | None = None
    """To be written into the Deployment's annotations."""
    status: Status
    told: tuple[Scaling, ...] = ()
    next_wake_ms: int | None = None


def decide(deployment: DeploymentFacts, sets: Sequence[SetFacts], *, taken: Collection[str] = (), now_ms: int) -> Plan:
    """The next step. `sets` are those of its namespace that it controls or that nothing controls.

    `taken` are the names of others, which a new set cannot have.
    """
    own = [each for each in sets if each.controller_uid == deployment.uid]
    if deployment.selector.is_everything:
        # It would take every set there is; the rules of the kind do not let it in.
        return Plan(status=replace(deployment.status, observed_generation=deployment.generation))
    if not deployment.deleting:
        claims = _claims(deployment, sets)
        if claims is not None:
            return claims
    return _Rollout(deployment, own, {*taken, *(each.name for each in sets)}, now_ms).plan()


def _claims(deployment: DeploymentFacts, sets: Sequence[SetFacts]) -> Plan | None:
    """Sets to take and to let go. What they mean is decided in the next pass, when it is known that they were won."""
    matching = {each.uid for each in sets if deployment.selector.matches(each.labels)}
    adopted = tuple(
        each.uid for each in sets if each.controller_uid is None and each.uid in matching and not each.deleting
    )
    released = tuple(each.uid for each in sets if each.controller_uid == deployment.uid and each.uid not in matching)
    if not adopted and not released:
        return None
    return Plan(adopted=adopted, released=released, status=deployment.status)


@dataclass(slots=True)
class _Rollout:
    """One pass over one Deployment: what it has found, and what it says so far."""

    deployment: DeploymentFacts
    own: Sequence[SetFacts]
    names: set[str]
    now_ms: int
    status: Status = field(init=False)
    new: SetFacts | None = field(init=False)
    old: list[SetFacts] = field(init=False)

    def __post_init__(self) -> None:
        self.status = self.deployment.status
        fitting = [each for each in self.own if each.template == self.deployment.template]
        # Of several sets of one template the oldest is the one, and stays it.
        self.new = min(fitting, key=lambda each: (each.created_ms, each.uid), default=None)
        self.old = [each for each in self.own if each is not self.new]

    def plan(self) -> Plan:
        deployment = self.deployment
        if deployment.deleting:
            self._count()
            return Plan(status=self.status)
        self.status = conditions.paused(deployment, self.status, now_ms=self.now_ms)
        if self.new is not None:
            self.status = conditions.found(deployment, self.status, self.new.name, now_ms=self.now_ms)
        if deployment.paused or self._is_scaling():
            self._count()
            sizes = rolling.proportional(deployment, self.new, self.old)
            return self._scaled(sizes, forgotten=self._superfluous() if deployment.paused else ())
        if deployment.recreates:
            return self._recreate()
        if self.new is None:
            return self._make(rolling.first_size(deployment, self.old))
        return self._rolled(rolling.step(deployment, self.new, self.old))

    def _is_scaling(self) -> bool:
        """Whether the Deployment wants another number than when its sets were last scaled."""
        wanted = str(self.deployment.replicas)
        return any(
            each.replicas > 0 and each.annotations.get(revisions.DESIRED_REPLICAS, wanted) != wanted
            for each in self.own
        )

    def _recreate(self) -> Plan:
        emptied = rolling.scaled_to_nothing(self.old)
        if emptied:
            return self._rolled(emptied)
        # A status that has not caught up, or counts pods on their way out, tells of old pods that may still run.
        if any(not each.has_settled or each.current or each.terminating for each in self.old):
            return self._rolled({})
        wanted = self.deployment.replicas
        if self.new is None:
            return self._make(wanted)
        return self._rolled({} if self.new.replicas == wanted else {self.new.uid: wanted})

    # ----------------------------------------------------------------------------------------------- kinds of steps

    def _make(self, replicas: int) -> Plan:
        """The set of the present template, which is not there yet."""
        deployment = self.deployment
        template_hash = revisions.template_hash(deployment.template, self.status.collisions)
        name = f"{deployment.name}-{template_hash}"
        if name in self.names:
            # Somebody else's set has the name: the next pass tries another one.
            return Plan(status=replace(self.status, collisions=(self.status.collisions or 0) + 1))
        revision = self._newest_old_revision() + 1
        annotations = revisions.of_set(deployment.annotations, {}, revision=revision, **self._wanted())
        self._count()
        self.status = conditions.created(deployment, self.status, name, now_ms=self.now_ms)
        return Plan(
            new=NewSet(name=name, template_hash=template_hash, replicas=replicas, annotations=annotations),
            revision=revision,
            status=self.status,
            told=(Scaling(name=name, before=0, after=replicas),) if replicas else (),
            next_wake_ms=self._wake_ms(),
        )

    def _rolled(self, sizes: Mapping[str, int]) -> Plan:
        """A step of a rollout, or its end, or a wait for what the sets do."""
        self._count()
        self.status = conditions.progressed(self.deployment, self.status, self.new, self.old, now_ms=self.now_ms)
        is_over = not sizes and conditions.is_complete(self.deployment, self.status)
        return self._scaled(sizes, forgotten=self._superfluous() if is_over else ())

    def _scaled(self, sizes: Mapping[str, int], *, forgotten: tuple[str, ...]) -> Plan:
        revision = None
        if self.new is not None:
            revision = max(revisions.number(self.new.annotations, revisions.REVISION), self._newest_old_revision() + 1)
        changes = [self._change(each, sizes.get(each.uid), revision) for each in self.own if each.uid not in forgotten]
        return Plan(
            changes=tuple(change for change in changes if change is not None),
            forgotten=forgotten,
            revision=revision,
            status=self.status,
            told=tuple(
                Scaling(name=each.name, before=each.replicas, after=sizes[each.uid])
                for each in self.own
                if each.uid in sizes
            ),
            next_wake_ms=self._wake_ms(),
        )

    # ------------------------------------------------------------------------------------------------------ details

    def _count(self) -> None:
        self.status = conditions.counted(self.deployment, self.status, self.new, self.old, now_ms=self.now_ms)

    def _wanted(self) -> dict[str, int]:
        return {"replicas": self.deployment.replicas, "max_replicas": rolling.most(self.deployment)}

    def _change(self, each: SetFacts, replicas: int | None, revision: int | None) -> SetChange | None:
        annotations: Mapping[str, str] = each.annotations
        min_ready_s = None
        if each is self.new and revision is not None:
            annotations = revisions.of_set(
                self.deployment.annotations, each.annotations, revision=revision, **self._wanted()
            )
            min_ready_s = self.deployment.min_ready_s if each.min_ready_s != self.deployment.min_ready_s else None
        elif each.replicas > 0 or replicas:
            # By them the next change of the number is noticed, and its shares are counted.
            annotations = revisions.scaled(each.annotations, **self._wanted())
        if replicas is None and annotations == each.annotations and min_ready_s is None:
            return None
        return SetChange(
            uid=each.uid,
            replicas=replicas,
            annotations=annotations if annotations != each.annotations else None,
            min_ready_s=min_ready_s,
        )

    def _newest_old_revision(self) -> int:
        return max((revisions.number(each.annotations, revisions.REVISION) for each in self.old), default=0)

    def _superfluous(self) -> tuple[str, ...]:
        """Sets of the oldest revisions beyond those to keep, of which nothing runs and whose status is up to date."""
        limit = self.deployment.history_limit
        if limit is None:
            return ()
        kept = [each for each in self.old if not each.deleting]
        by_age = sorted(kept, key=lambda each: revisions.number(each.annotations, revisions.REVISION))
        return tuple(
            each.uid
            for each in by_age[: max(0, len(kept) - limit)]
            if not each.replicas and not each.current and each.has_settled
        )

    def _wake_ms(self) -> int | None:
        return conditions.deadline(self.deployment, self.status)
