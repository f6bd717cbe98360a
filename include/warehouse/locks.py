"""The locks by which there is one load and one refresh at a time.

A session holds them: a killed process gives them up.
"""

import logging

from sqlalchemy import Connection, text

log = logging.getLogger(__name__)

# the server ends a session whose machine has gone away within two minutes, not after the two hours of most systems
KEEPALIVES = """
select
    set_config('tcp_keepalives_idle', '60', false),
    set_config('tcp_keepalives_interval', '15', false),
    set_config('tcp_keepalives_count', '4', false)
"""
HOLDER = """
select
    a.pid,
    a.application_name,
    coalesce(host(a.client_addr), 'this machine') as client,
    a.backend_start::timestamptz(0) as connected_at,
    a.state
from pg_locks l
join pg_stat_activity a on a.pid = l.pid
where
    l.locktype = 'advisory'
    and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and l.objsubid = 1
    and ((l.classid::bigint << 32) | l.objid::bigint) = ops.lock_key(:name)
"""
HELD_BY = (
    "process {pid} of the database holds it ({application_name} on {client}, connected since {connected_at}, {state});"
    " see the runbook, A command waits"
)


def take_lock(connection: Connection, name: str) -> None:
    """Takes the lock `load` or `refresh` for the session; where another holds it, says who, and waits."""
    connection.execute(text(KEEPALIVES))
    # a session's setting lasts only if its transaction does
    connection.commit()
    if not try_lock(connection, name):
        holder = connection.execute(text(HOLDER), {"name": name}).mappings().first()
        log.warning("waiting for the lock of %s: %s", name, HELD_BY.format(**holder) if holder else "it is held")
        connection.execute(text("select pg_advisory_lock(ops.lock_key(:name))"), {"name": name})
        connection.commit()


def try_lock(connection: Connection, name: str) -> bool:
    """Takes the lock for the session if nobody holds it; gives whether it did."""
    is_taken = connection.execute(text("select pg_try_advisory_lock(ops.lock_key(:name))"), {"name": name}).scalar_one()
    connection.commit()
    return bool(is_taken)


def give_up_lock(connection: Connection, name: str) -> None:
    """Gives the lock up, unless its session is gone, and the lock with it."""
    if not connection.closed and not connection.invalidated:
        connection.rollback()
        connection.execute(text("select pg_advisory_unlock(ops.lock_key(:name))"), {"name": name})
        connection.commit()
