"""What `up`, `down`, `reset` and `uninstall` do about nodes that are containers of a Docker Engine."""

import sys
from dataclasses import replace

from kuberklone.cli import apart, screen
from kuberklone.cli.exits import Stop
from kuberklone.engine import clearing, connection, networks
from kuberklone.errors import ContainerMissing, EngineError, ImageMissing
from kuberklone.settings import Settings
from kuberklone.store import engine_marks
from kuberklone.store.engine_marks import Marks

# What a person waits before they are told that an engine does not answer.
_TIMEOUT_S = 5.0


def check(settings: Settings) -> None:
    """Raises Stop unless an engine answers that has the images; before anything is made for nodes that cannot be."""
    try:
        apart.call(lambda: _check_images(settings))
    except ImageMissing as error:
        raise Stop(
            f"{error}. Build the images with make image, or without a registry with make image-local; or do without: "
            "--provider simulated."
        ) from error
    except EngineError as error:
        raise Stop(str(error)) from error


def _check_images(settings: Settings) -> None:
    engine = connection.connect(settings.docker_socket, timeout_s=_TIMEOUT_S)
    for image in (settings.node_image, settings.pause_image):
        try:
            with engine.asked(f"look for the image {image}"):
                engine.api.inspect_image(image)
        except ContainerMissing as error:
            raise ImageMissing(str(error)) from error


def open_listener(settings: Settings, cluster: str) -> Settings:
    """The settings with a listener for agents on the nodes' network, unless a person has chosen another address."""
    if settings.tls_host:
        return settings
    if not sys.platform.startswith("linux"):
        # On a Mac the engine is in a machine of its own, from which the loopback of this one is reached.
        return replace(settings, tls_host="127.0.0.1")
    return replace(settings, tls_host=apart.call(lambda: _gateway(settings, cluster)))


def _gateway(settings: Settings, cluster: str) -> str:
    return networks.ensure(connection.connect(settings.docker_socket, timeout_s=_TIMEOUT_S), cluster=cluster)


def running(settings: Settings, cluster: str) -> int:
    """How many nodes run in the engine; none if it cannot be asked."""
    try:
        return apart.call(lambda: clearing.count_nodes(settings.docker_socket, cluster=cluster, timeout_s=_TIMEOUT_S))
    except EngineError:
        return 0


def remove(settings: Settings) -> None:
    """`down`: the containers of the cluster's Docker nodes go, their records stay."""
    marks = engine_marks.find(settings.database_url)
    if marks is not None:
        _clear(settings, marks, node_uids=marks.docker_nodes)


def remove_for_good(settings: Settings) -> None:
    """`reset` and `uninstall`: whatever the cluster made in the engine goes before its data, which knows the marks."""
    marks = engine_marks.find(settings.database_url)
    if marks is not None:
        _clear(settings, marks, node_uids=None)


def _clear(settings: Settings, marks: Marks, *, node_uids: frozenset[str] | None) -> None:
    try:
        cleared = clearing.clear(settings.docker_socket, cluster=marks.cluster, node_uids=node_uids)
    except EngineError as error:
        # Whoever has no Docker nodes needs no engine, and is not to be told about one.
        if marks.docker_nodes:
            raise Stop(
                f"the containers of {len(marks.docker_nodes)} Docker nodes were not removed: {error} They are those "
                f"with the label io.kuberklone.cluster={marks.cluster}."
            ) from error
        return
    if cleared.nodes or cleared.pods:
        screen.say(f"removed the containers of {cleared.nodes} Docker nodes and {cleared.pods} of their pods")
