"""Tokens: made, looked up and revoked. Only hashes are kept, so reading the database makes nobody anything."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from kuberklone.chance import Chance
from kuberklone.kinds import token
from kuberklone.kinds.token import Purpose, TokenText
from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.transaction import Transaction

# 27 letters each: long enough that no two tokens of a cluster share one, short enough to be typed after `revoke`.
_ID_LETTERS = 10

_chance = Chance()
_table = schema.tokens
_columns = _table.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One row of `tokens`."""

    id: str
    purpose: str
    subject: str
    """The uid of the node that speaks with it, or the service account that it stands for; else empty."""
    secret_hash: str
    created_ms: int
    expires_ms: int | None

    def is_valid(self, secret: str, *, now_ms: int) -> bool:
        """Whether this secret is the token's, and the token has not expired."""
        is_same = token.is_same(self.secret_hash, token.secret_hash(secret))
        return is_same and (self.expires_ms is None or now_ms < self.expires_ms)


_SELECT = select(*(_columns[name] for name in Token.__dataclass_fields__))


def create(
    transaction: Transaction, purpose: Purpose, *, subject: str = "", valid_ms: int | None = None
) -> tuple[Token, TokenText]:
    """The row, and the text, which nobody can tell again."""
    text = TokenText(id=_chance.suffix(letters=_ID_LETTERS), secret=_chance.secret())
    row = Token(
        id=text.id,
        purpose=purpose,
        subject=subject,
        secret_hash=token.secret_hash(text.secret),
        created_ms=transaction.now_ms,
        expires_ms=None if valid_ms is None else transaction.now_ms + valid_ms,
    )
    transaction.connection.execute(
        _table.insert().values({name: getattr(row, name) for name in Token.__dataclass_fields__})
    )
    return row, text


def create_for_node(transaction: Transaction, node_uid: str) -> TokenText:
    """The one token of a node: those that were made for it before are void from now on."""
    remove_of_nodes(transaction.connection, [node_uid])
    _, text = create(transaction, "node", subject=node_uid)
    return text


def find(connection: Connection, token_id: str) -> Token | None:
    row = connection.execute(_SELECT.where(_columns.id == token_id)).first()
    return None if row is None else Token(**row._mapping)


def all_tokens(connection: Connection) -> list[Token]:
    """The oldest first."""
    rows = connection.execute(_SELECT.order_by(_columns.created_ms, _columns.id))
    return [Token(**row._mapping) for row in rows]


def revoke(transaction: Transaction, token_id: str) -> bool:
    """Whether there was one."""
    return transaction.connection.execute(_table.delete().where(_columns.id == token_id)).rowcount == 1


def remove_of_nodes(connection: Connection, node_uids: list[str]) -> None:
    """The tokens with which these nodes speak."""
    connection.execute(_table.delete().where(among(_columns.subject, node_uids), _columns.purpose == "node"))


def remove_expired(transaction: Transaction) -> int:
    """Those that have ended; how many."""
    return transaction.connection.execute(_table.delete().where(_columns.expires_ms <= transaction.now_ms)).rowcount
