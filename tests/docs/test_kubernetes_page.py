"""The page about the Kubernetes API says of each kind what the catalogue says, and the catalogue names real loops."""

import re

import pytest

from controllers.catalogue import names
from kuberklone.kinds import page
from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.kind import Kind
from tests.docs.reading import DOCS

PAGE = DOCS / "kubernetes.md"
EVERY = [pytest.param(kind, id=f"{kind.api_version} {kind.kind}") for kind in catalogue().kinds]


def test_the_table_of_kinds_is_that_of_the_catalogue() -> None:
    text = PAGE.read_text()
    assert text == page.rewritten(text, catalogue()), "run `python -m kuberklone.kinds.page`"


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_said_to_act_on_a_kind_is_there(kind: Kind) -> None:
    # Words that are no controllers: an annotation, an object, a table.
    others = {"kuberklone.io/provider", "kube-node-lease", "kube-root-ca.crt", "leaderships"}
    assert set(re.findall(r"`([^`]+)`", kind.acts)) - others <= set(names())
