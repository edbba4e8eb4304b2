"""What the Kubernetes kinds look like: the published schemas, as validators, as merge rules and as OpenAPI."""

from kuberklone.apimachinery.schemas.components import components
from kuberklone.apimachinery.schemas.definitions import VERSION, knows
from kuberklone.apimachinery.schemas.structure import Schema, schema_of
from kuberklone.apimachinery.schemas.validation import validate

__all__ = ["VERSION", "Schema", "components", "knows", "schema_of", "validate"]
