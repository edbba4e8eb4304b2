"""What an agent keeps between two starts, and whom it trusts."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuberklone.agent import machine, trust
from kuberklone.agent.kept import Boot, Directory, Membership
from kuberklone.errors import ApiUnavailable, SettingsError

SERVER = "https://10.0.0.1:6443"
MEMBER = Membership(server=SERVER, node_name="node-1", node_uid="uid-1", cluster_id="c", token="kk.a.b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state"


@pytest.fixture
def kept(folder: Path) -> Iterator[Directory]:
    directory = Directory(folder)
    yield directory
    directory.close()


def test_a_membership_is_of_one_cluster(kept: Directory) -> None:
    assert kept.membership(SERVER) is None
    kept.keep(MEMBER)
    assert kept.membership(SERVER) == MEMBER
    assert kept.membership("https://10.0.0.2:6443") is None
    kept.forget()
    kept.forget()
    assert kept.membership(SERVER) is None


def test_nobody_else_can_read_a_token(kept: Directory) -> None:
    kept.keep(MEMBER)
    assert stat.S_IMODE((kept.path / "membership.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o700


def test_what_others_wrote_there_is_passed_over(kept: Directory) -> None:
    (kept.path / "membership.json").write_text("no JSON")
    assert kept.membership(SERVER) is None


def test_a_machine_has_one_id_for_ever(kept: Directory, folder: Path) -> None:
    first = kept.machine_id()
    kept.close()
    again = Directory(folder)
    assert again.machine_id() == first
    again.close()


def test_two_agents_cannot_use_one_folder(kept: Directory) -> None:
    with pytest.raises(SettingsError, match="another agent runs"):
        Directory(kept.path)


def test_a_folder_that_cannot_be_is_named() -> None:
    with pytest.raises(SettingsError, match="/dev/null/state"):
        Directory(Path("/dev/null/state"))


# ------------------------------------------------------------------------------------------------ boots


def test_a_node_container_speaks_for_the_boot_it_was_made_with(kept: Directory) -> None:
    assert machine.boot_of_container("boot-1", kept) == "boot-1"
    # The same process, once more.
    assert machine.boot_of_container("boot-1", kept) == "boot-1"


def test_started_again_by_hand_it_is_another_boot_each_time(kept: Directory) -> None:
    seen = {machine.boot_of_container("boot-1", kept)}
    for start in range(3):
        last = kept.boot()
        assert last is not None
        kept.keep_boot(Boot(boot_id=last.boot_id, instance=f"an earlier start, {start}"))
        drawn = machine.boot_of_container("boot-1", kept)
        assert drawn.startswith("boot-1-")
        assert drawn not in seen
        seen.add(drawn)


def test_a_joined_machine_s_boot_is_the_machine_s_own(kept: Directory) -> None:
    one, other = machine.boot_of_machine("node-uid-000000000001"), machine.boot_of_machine("node-uid-000000000002")
    assert one != other
    assert one == machine.boot_of_machine("node-uid-000000000001")
    assert one.startswith(machine.kernel_boot())


def test_a_machine_knows_its_size_and_its_way_to_the_server() -> None:
    assert machine.cores() >= 1
    assert machine.memory_bytes() > 2**20
    assert machine.address("https://127.0.0.1:6443") == "127.0.0.1"
    assert machine.address("https://[::1]") in ("::1", "")
    assert machine.address("https://no-such-host.invalid") == ""


# ------------------------------------------------------------------------------------------------ trust


def test_plain_http_needs_no_trust(tmp_path: Path) -> None:
    assert trust.context("http://127.0.0.1:8080", fingerprint=None, kept=tmp_path / "ca.crt") is None


@pytest.mark.parametrize("server", ["ftp://somewhere", "somewhere:6443"])
def test_an_address_of_another_kind_is_named(tmp_path: Path, server: str) -> None:
    with pytest.raises(SettingsError, match="--server"):
        trust.context(server, fingerprint="0" * 64, kept=tmp_path / "ca.crt")


def test_a_certificate_that_is_not_the_one_the_token_names_is_fetched_anew(tmp_path: Path) -> None:
    kept = tmp_path / "ca.crt"
    kept.write_text("of another cluster")
    with pytest.raises(ApiUnavailable, match=r"https://127\.0\.0\.1:1"):
        trust.context("https://127.0.0.1:1", fingerprint="0" * 64, kept=kept)


def test_without_a_fingerprint_nobody_is_trusted(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not name the CA"):
        trust.context("https://127.0.0.1:1", fingerprint=None, kept=tmp_path / "ca.crt")
