"""A program of the future: the real migrations and one more, which does whatever a test wants."""

import shutil
from pathlib import Path

import pytest

from kuberklone.store import migrate

REVISION = "2099_01_01"
ADD_TABLE = "op.execute('CREATE TABLE later (a integer)')"
FAIL = "raise RuntimeError('the power went out')"


def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *statements: str) -> None:
    """From now on this program has one migration more."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    body = "\n".join(f"    {statement}" for statement in statements)
    (folder / "versions" / f"{REVISION}_later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = {REVISION!r}\ndown_revision = {migrate.newest()!r}\nbranch_labels = None\ndepends_on = None\n"
        f"def upgrade():\n{body}\n"
        "def downgrade():\n    op.execute('DROP TABLE later')\n"
    )
    monkeypatch.setattr(migrate, "migrations_folder", lambda: folder)
