"""One transaction for one tenant on anybody's connection."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from uuid import UUID
from weakref import WeakKeyDictionary

from engine.db.connection import Connection, would_be_alone
from engine.db.errors import translated

# For whom the transaction that is open on a connection speaks, while a block below is entered: what is called inside need not say it again.
_speaking: MutableMapping[Connection, UUID] = WeakKeyDictionary()


@contextmanager
def tenant_transaction(connection: Connection, tenant_id: UUID) -> Iterator[None]:
    """Join or open a transaction and tell the database whom it speaks for. The setting ends with the transaction.

    Inside of another such block for the same tenant it costs nothing: no savepoint is set, so what the database refuses ends the outer block, too.
    Whoever goes on after a refusal puts what may be refused into an `attempt`.
    """
    outer = _speaking.get(connection)
    if outer == tenant_id:
        with translated():
            yield
        return
    with translated(), connection.transaction():
        tell_tenant(connection, tenant_id)
        with speaking_for(connection, tenant_id):
            yield
        if outer is not None:
            tell_tenant(connection, outer)


@contextmanager
def tenant_statement(connection: Connection, tenant_id: UUID) -> Iterator[None]:
    """For one statement that tells the database its tenant by itself (`highway.speak_for`): on an idle connection it is a transaction of its own, and
    so one round trip. Wherever there is more to the transaction, or to be, this is `tenant_transaction`.

    Inside, the statement is durable as soon as it has answered, or is still to be committed: nobody may count on either.
    """
    if not would_be_alone(connection):
        with tenant_transaction(connection, tenant_id):
            yield
        return
    with translated():
        yield


@contextmanager
def attempt(connection: Connection) -> Iterator[None]:
    """What is refused inside takes back its own work alone, and the transaction around it goes on."""
    with translated(), connection.transaction():
        yield


def tell_tenant(connection: Connection, tenant_id: UUID) -> None:
    """Tell the database whom the open transaction speaks for."""
    connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(tenant_id)])


@contextmanager
def speaking_for(connection: Connection, tenant_id: UUID) -> Iterator[None]:
    """The caller has opened a transaction and has told the database its tenant; inside, nobody says it again."""
    before = _speaking.get(connection)
    _speaking[connection] = tenant_id
    try:
        yield
    finally:
        if before is None:
            del _speaking[connection]
        else:
            _speaking[connection] = before
