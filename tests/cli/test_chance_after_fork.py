"""Children of `up` are forked, and must not draw what their siblings draw."""

from kuberklone.chance import Chance
from kuberklone.cli import apart


def test_forked_processes_never_share_a_uid() -> None:
    chance = Chance()
    drawn = [apart.call(chance.uid) for _ in range(3)]
    assert len({*drawn, chance.uid()}) == 4
