"""What the columns of all tables are made of: names of constraints, types, and the columns that every record has."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Text, false, text

# Alembic can only change what has a name, so every constraint has one from the first table on.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes only an INTEGER primary key the row's own key; every integer there holds 64 bits anyway.
Big = BigInteger().with_variant(Integer(), "sqlite")


def required(name: str, kind: Any, default: str | None = None) -> Column[Any]:
    return Column(name, kind, nullable=False, server_default=None if default is None else text(default))


def flag(name: str) -> Column[Any]:
    return Column(name, Boolean(create_constraint=False), nullable=False, server_default=false())


def json(name: str, empty: str) -> Column[Any]:
    """Raw JSON text: kept byte for byte, spliced into documents without being decoded."""
    return Column(name, Text, nullable=False, server_default=text(f"'{empty}'"))


def header() -> list[Column[Any]]:
    """Columns of `kinds.header.Header`, the same in every table of records."""
    return [
        Column("uid", Text, primary_key=True),
        required("name", Text),
        required("revision", Big),
        required("generation", Big, "1"),
        required("created_ms", Big),
        json("labels", "{}"),
        json("annotations", "{}"),
        json("finalizers", "[]"),
        json("owner_references", "[]"),
        json("managed_fields", "[]"),
        Column("deleting_ms", Big),
        Column("deletion_cause", Text),
    ]
