"""GET /ca.crt: the certificate of the CA that signs ours, for whoever knows its fingerprint."""

from typing import Any

from litestar import Request, Response, get

from kuberklone.api import context
from kuberklone.api.documentation import reads
from kuberklone.errors import NotFound


@get(
    "/ca.crt",
    summary="The certificate of the CA of the TLS listener",
    media_type="application/x-pem-file",
    operation_class=reads(404),
)
async def show_certificate(request: Request[Any, Any, Any]) -> Response[bytes]:
    certificates = context.of(request).certificates
    if certificates is None:
        raise NotFound("there is no TLS listener here; start it with --set tls_host=ADDRESS")
    return Response(certificates.ca_pem, media_type="application/x-pem-file")
