"""Amounts of pods: whatever the rules let in, the controllers can reckon with."""

import pytest

from kuberklone.kinds import rules, shares


@pytest.mark.parametrize(
    "text", ["25%", "0%", "007%", "999999999%", "9999999999%", "-1%", "%", "25", "9" * 5_000 + "%"]
)
def test_what_the_rules_let_in_can_be_reckoned_with(text: str) -> None:
    problems = rules.count_or_share("spec.maxSurge", text, most=None)
    if problems:
        with pytest.raises(ValueError, match="neither a number nor a share"):
            shares.readable(text)
    else:
        assert shares.of(shares.readable(text), 100, round_up=True) == int(text.removesuffix("%"))
