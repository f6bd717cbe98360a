"""ops.step: what every step did, so that an operator sees where the time goes."""

from sqlalchemy import Connection, text


def record_step(
    connection: Connection,
    *,
    step: str,
    seconds: float,
    run_id: int | None = None,
    file_id: int | None = None,
    detail: str | None = None,
    rows: int | None = None,
    size: int | None = None,
) -> None:
    """Writes one finished step: seconds, and rows and bytes (`size`) where they are known."""
    connection.execute(
        text(
            "insert into ops.step (run_id, file_id, step, detail, started_at, seconds, rows, bytes)"
            " values (:run_id, :file_id, :step, :detail,"
            " clock_timestamp() - make_interval(secs => :seconds), round(cast(:seconds as numeric), 3), :rows, :size)"
        ),
        {
            "run_id": run_id,
            "file_id": file_id,
            "step": step,
            "detail": detail,
            "seconds": seconds,
            "rows": rows,
            "size": size,
        },
    )
