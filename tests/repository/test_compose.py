"""compose.yaml says what it means: every command, setting, service and volume that it names exists."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from typing import Any

import pytest
import yaml

from kuberklone import settings
from kuberklone.agent import options
from tests.repository import sources

pytestmark = pytest.mark.process

_FILE = sources.ROOT / "compose.yaml"
_OURS = "kuberklone:latest"


def _services() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text())["services"]
    return services


def _ours() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in _services().items() if service["image"] == _OURS}


def _commands(service: dict[str, Any]) -> list[list[str]]:
    """What of our program the service runs: the arguments behind `kuberklone`."""
    if "entrypoint" not in service:
        return [service["command"]]
    shell, flag, script = service["entrypoint"]
    assert (shell, flag) == ("sh", "-c")
    return [shlex.split(found) for found in re.findall(r"kuberklone ((?:token|agent)[^|]*)", script)]


def test_the_services_are_those_that_the_issue_names() -> None:
    assert set(_services()) == {"postgres", "migrations", "api", "controllers", "token", "agent-1", "agent-2"}


@pytest.mark.parametrize("name", _ours())
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    commands = _commands(_ours()[name])
    assert commands
    for command in commands:
        # With --help nothing is run, but every option is read first.
        told = subprocess.run(
            [sys.executable, "-m", "kuberklone", *command, "--help"], capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr
        words = [word for word in command if not word.startswith("-")]
        assert f"kuberklone {words[0]}" in told.stdout
        assert all(option in told.stdout for option in command if option.startswith("--")), told.stdout


@pytest.mark.parametrize("name", _ours())
def test_a_service_is_given_settings_that_exist_and_can_be_used(name: str) -> None:
    environment: dict[str, str] = _ours()[name]["environment"]
    assert settings.unknown_variables(environment) == []
    settings.resolve({}, environment)
    if name.startswith("agent"):
        options.read(environment, settings.Settings())


def test_what_a_service_waits_for_and_mounts_is_declared() -> None:
    document = yaml.safe_load(_FILE.read_text())
    for service in _services().values():
        assert set(service.get("depends_on", {})) <= set(_services())
        sources_ = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {source for source in sources_ if not source.startswith("/")} <= set(document["volumes"])


def test_the_api_has_the_name_by_which_the_agents_know_its_certificate() -> None:
    (alias,) = _services()["api"]["networks"]["default"]["aliases"]
    for name in ("agent-1", "agent-2"):
        assert _services()[name]["environment"]["KUBERKLONE_AGENT_SERVER"] == f"https://{alias}:6443"
    assert f"--server https://{alias}:6443" in _services()["token"]["entrypoint"][2]


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in _services().values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


_COMPOSE = (
    shutil.which("docker") is not None
    and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
)
if _COMPOSE:  # an engine without the plugin is no reason to skip: all that can be read without it is checked above

    def test_docker_compose_understands_it() -> None:
        told = subprocess.run(
            ["docker", "compose", "--file", str(_FILE), "config", "--format", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr
        assert set(json.loads(told.stdout)["services"]) == set(_services())
