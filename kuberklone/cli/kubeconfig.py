"""`kuberklone kubeconfig`: what kubectl and the client libraries need to know to reach the cluster."""

import base64
import ipaddress
import os
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from kuberklone.cli import options, running
from kuberklone.cli.exits import Stop
from kuberklone.cli.options import examples
from kuberklone.settings import Settings

NAME = "kubeconfig"
"""In the cluster's home. A person's own ~/.kube/config is never touched."""
_CLUSTER = "kuberklone"
# As the API's TLS listener leaves them beside the data.
_CA_CERTIFICATE = Path("pki", "ca.crt")
_TOKEN = Path("admin.token")

app = typer.Typer()


@app.command(
    "kubeconfig",
    rich_help_panel=options.CLUSTER,
    epilog=examples(
        "kuberklone kubeconfig > cluster.yaml    then kubectl --kubeconfig cluster.yaml get nodes",
        "kuberklone kubeconfig --tls             by the TLS listener, with the administrator's token",
    ),
)
def show(
    tls: Annotated[bool, typer.Option("--tls", help="By the TLS listener, which asks for a token.")] = False,
    home: options.Home = None,
    server: options.Server = None,
    set_: options.Set = None,
) -> None:
    """Print a kubeconfig for this cluster, as up writes one beside the data."""
    settings = options.resolve({"home": home, "server": server}, assignments=set_).settings
    typer.echo(text(secure(settings) if tls else plain(_url(settings))), nl=False)


def write(settings: Settings) -> Path:
    """Leave the kubeconfig in the home, for its owner only."""
    path = settings.home / NAME
    fresh = path.with_name(f".{NAME}.new")
    fresh.unlink(missing_ok=True)
    # Whoever reads it meanwhile gets the old one or the new one, never a part.
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text(plain(settings.url)))
    fresh.replace(path)
    return path


def advice(settings: Settings) -> str:
    """What a person types so that kubectl finds the cluster."""
    return f"export KUBECONFIG={shlex.quote(str(settings.home / NAME))}"


def plain(url: str) -> dict[str, Any]:
    """By the plain listener, which asks nobody."""
    # Some libraries refuse plain HTTP unless they are told not to verify a certificate, which there is not.
    return _config({"server": url, "insecure-skip-tls-verify": True}, {})


def secure(settings: Settings) -> dict[str, Any]:
    """By the TLS listener; raises Stop where there is none."""
    certificate, token = settings.home / _CA_CERTIFICATE, settings.home / _TOKEN
    if not settings.tls_host and not settings.server:
        raise Stop("the settings name no TLS listener; start it with kuberklone up --set tls_host=127.0.0.1.")
    try:
        authority = base64.b64encode(certificate.read_bytes()).decode()
        holder = {"token": token.read_text().strip()}
    except OSError as error:
        raise Stop(f"the TLS listener has not run yet: {error.filename} cannot be read ({error.strerror}).") from error
    return _config({"server": _secure_url(settings), "certificate-authority-data": authority}, holder)


def text(config: dict[str, Any]) -> str:
    return yaml.safe_dump(config, sort_keys=False)


def _config(cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _CLUSTER, "cluster": cluster}],
        "users": [{"name": _CLUSTER, "user": user}],
        "contexts": [{"name": _CLUSTER, "context": {"cluster": _CLUSTER, "user": _CLUSTER}}],
        "current-context": _CLUSTER,
    }


def _url(settings: Settings) -> str:
    """Of the cluster that runs here, else of the one that would."""
    owner = running.find(settings.home)
    return settings.server or (settings.url if owner is None else owner.url)


def _secure_url(settings: Settings) -> str:
    if settings.server:
        return settings.server
    host = settings.tls_host
    try:
        if ipaddress.ip_address(host).is_unspecified:
            host = "127.0.0.1"
    except ValueError:
        return f"https://{host}:{settings.tls_port}"
    return f"https://[{host}]:{settings.tls_port}" if ":" in host else f"https://{host}:{settings.tls_port}"
