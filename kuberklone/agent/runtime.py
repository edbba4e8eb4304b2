"""Makes a pod's container out of its spec: which image, which command, whose network and limits."""

from collections.abc import Callable
from dataclasses import dataclass

from kuberklone.agent import pod_spec
from kuberklone.agent.assignments import Assignment
from kuberklone.agent.decide import Run
from kuberklone.agent.facts import NETWORK
from kuberklone.agent.pod_spec import CannotRunError, ContainerSpec, PodSpec, Self
from kuberklone.engine import labels
from kuberklone.engine.pod_containers import PodContainers, Wanted
from kuberklone.errors import EngineError, EngineTimeout, EngineUnavailable, ImageMissing, InvalidField
from kuberklone.kinds.pod_request import IMAGE as KUBERNETES_PAUSE_IMAGE

# What an engine notes of a command that it could not run (as a shell does): not found, not executable.
_NOT_RUNNABLE = frozenset({126, 127})


class RunFailure(Exception):
    """A container could not be made or started."""

    def __init__(self, reason: str, message: str, *, at_start: bool = False, passing: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.at_start = at_start
        self.passing = passing
        """Nothing is wrong with the pod: the engine does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the machine the containers of the node's pods are."""

    cluster: str
    node_uid: str
    node_name: str
    boot_id: str
    address: str
    pause_image: str
    network_of: str | None = None
    """The container that is the node: its pods share its network. On other machines each pod has its own."""
    cgroup_parent: str = ""


class Runtime:
    """Runs containers in the engine. Safe for several threads, each with containers of its own."""

    def __init__(self, containers: PodContainers, place: Place) -> None:
        self._containers = containers
        self._place = place

    def run(self, action: Run, assignment: Assignment, *, permitted: Callable[[], bool]) -> None:
        """Make it and start it, unless `permitted` says no in the last moment; raises RunFailure."""
        spec = assignment.spec
        assert spec is not None, "a pod whose spec cannot be read is not run"
        if action.key.container == NETWORK:
            container = ContainerSpec(name=NETWORK, image=KUBERNETES_PAUSE_IMAGE)
        else:
            container = spec.container(action.key.container)
        image = self._available(container)
        try:
            wanted = self._wanted(action, assignment, spec, container, image)
        except (CannotRunError, InvalidField) as error:
            raise RunFailure("CreateContainerConfigError", str(error)) from error
        if not permitted():
            return
        try:
            made = self._containers.create(wanted)
        except EngineError as error:
            raise _failure("CreateContainerError", error) from error
        # The making may have taken long.
        if permitted():
            self._start(made)

    def _start(self, container_id: str) -> None:
        try:
            self._containers.start(container_id)
        except EngineError as error:
            failure = _failure("RunContainerError", error)
            if not failure.passing:
                failure.at_start = self._is_not_runnable(container_id)
            raise failure from error

    def _is_not_runnable(self, container_id: str) -> bool:
        try:
            return self._containers.inspected(container_id).exit_code in _NOT_RUNNABLE
        except EngineError:
            return False

    def _available(self, container: ContainerSpec) -> str:
        """The image's name, once it is on this machine."""
        image = container.image
        if not image:
            raise RunFailure("InvalidImageName", f"container {container.name} names no image")
        try:
            if image == KUBERNETES_PAUSE_IMAGE and self._containers.has_image(self._place.pause_image):
                # Ours does the same, nothing, and needs no registry.
                return self._place.pause_image
            if container.image_pull_policy != "Always" and self._containers.has_image(image):
                return image
            if container.image_pull_policy == "Never":
                raise RunFailure("ErrImageNeverPull", f"image {image} is not on this machine and must not be pulled")
            self._containers.pull(image)
        except EngineError as error:
            raise _failure("ImagePullBackOff", error) from error
        return image

    def _wanted(
        self, action: Run, assignment: Assignment, spec: PodSpec, container: ContainerSpec, image: str
    ) -> Wanted:
        place, pod = self._place, assignment.pod
        environment = pod_spec.environment(
            container,
            Self(
                name=pod.name,
                namespace=pod.namespace,
                uid=pod.uid,
                node_name=place.node_name,
                annotations=dict(assignment.annotations),
                service_account=spec.service_account_name or "default",
                host_ip=place.address,
                pod_ip=place.address if place.network_of else "",
            ),
        )
        node_labels = labels.of_node(place.cluster, uid=place.node_uid, name=place.node_name, boot_id=place.boot_id)
        return Wanted(
            name=labels.pod_container(place.cluster, pod.uid, container.name, action.attempt),
            image=image,
            labels=labels.of_pod_container(
                node_labels,
                pod_uid=pod.uid,
                namespace=pod.namespace,
                pod=pod.name,
                container=container.name,
                attempt=action.attempt,
            ),
            notes={
                labels.RESTART_DELAY_MS: str(action.restart_delay_ms),
                labels.ON_NODE_FAILURE: pod.on_node_failure,
            },
            entrypoint=[pod_spec.expanded(word, environment) for word in container.command or ()],
            command=[pod_spec.expanded(word, environment) for word in container.args or ()],
            environment=environment,
            working_dir=container.working_dir,
            user=_user(container),
            hostname=(spec.hostname or pod.name)[:63],
            cpu_limit_millis=container.cpu_limit_millis(),
            cpu_request_millis=container.cpu_request_millis(),
            memory_limit_bytes=container.memory_limit_bytes(),
            network_of=place.network_of or action.network_of,
            cgroup_parent=place.cgroup_parent,
            stdin=container.stdin,
            tty=container.tty,
        )


def _failure(reason: str, error: EngineError) -> RunFailure:
    if isinstance(error, (EngineUnavailable, EngineTimeout)):
        return RunFailure("ContainerCreating", str(error), passing=True)
    if isinstance(error, ImageMissing):
        # It was there a moment ago.
        return RunFailure("ImagePullBackOff", str(error))
    return RunFailure(reason, str(error))


def _user(container: ContainerSpec) -> str:
    context = container.security_context
    return "" if context is None or context.run_as_user is None else str(context.run_as_user)
