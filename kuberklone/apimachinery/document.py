"""What a document is: the JSON object of one Kubernetes resource, decoded."""

from typing import Any

Document = dict[str, Any]
"""Only what JSON knows: dict with str keys, list, str, int, float, bool and None. Functions of this package never
change one they were given, unless their name says so."""
