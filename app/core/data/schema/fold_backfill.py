"""The backfill of folds: in rows that another program stored or changed, such as the previous version.

A new version migrates while the previous one still serves. That one knows no folds, so its new rows have none, and its
changed rows have old ones. Each run of the migrations ends with a backfill of both.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Text,
    bindparam,
    column,
    inspect,
    or_,
    select,
    table,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from app.core.data.connection.failures import Failure, classify
from app.core.data.schema.ddl.batches import BATCH_SIZE
from app.core.data.schema.engines import migration_engine, reading_engine
from app.core.data.schema.lock_timeout import LOCK_TIMEOUT
from app.core.data.schema.quoting import quoted
from app.core.data.schema.running.backoff import Backoff
from app.core.data.tables.field_types import utcnow
from app.core.data.tables.folds import Fold, fold
from app.core.data.tables.owned import OWNER_COLUMN
from app.core.data.tables.queryable import HIDDEN, fold_name
from app.core.data.tables.versions import CHANGED_AT

# Problem: a text that the previous version changed has an old fold, which only a comparison of all rows would find.
# Decision: compare the rows that were changed within a day. Cost: a table without `updated_at` keeps such folds.
_WINDOW: Final = timedelta(days=1)

_POSTGRES: Final = """
    UPDATE {0} SET {2} = stale.fold
    FROM unnest(CAST(:_user AS text[]), CAST(:_id AS bigint[]), CAST(:_text AS text[]), CAST(:_fold AS text[]))
        AS stale (user_id, id, text, fold)
    WHERE {0}.user_id = stale.user_id AND {0}.id = stale.id AND {0}.{1} IS NOT DISTINCT FROM stale.text
"""

Key = tuple[str, int] | tuple[()]
Run = Callable[[Callable[[Connection], Key | None]], Key | None]
"""Runs a function in a transaction."""


class FoldedText(NamedTuple):
    """A text column, the number of characters after which its fold is cut, and whether its table has `updated_at`."""

    table: str
    text: str
    cut: int | None
    has_versions: bool = False

    def count_stale(self, connection: Connection) -> int:
        """Return the number of rows whose fold is missing, or was not changed with the text."""
        after: Key | None = ()
        count = 0
        while after is not None:
            stale, after = self._stale_rows(connection, after)
            count += len(stale)
        return count

    def fill(self, run: Run) -> None:
        """Fill these folds, each batch in a transaction; `updated_at` is unchanged."""
        after: Key | None = ()
        while after is not None:
            after = run(partial(self._fill_batch, after=after))

    def _fill_batch(self, connection: Connection, after: Key) -> Key | None:
        stale, last = self._stale_rows(connection, after)
        if stale:
            self._write(connection, stale)
        return last

    def _write(self, connection: Connection, stale: list[dict[str, Any]]) -> None:
        if connection.dialect.name == "postgresql":  # one statement takes a tenth of the time of one for each row
            lists = {name: [row[name] for row in stale] for name in stale[0]}
            connection.execute(
                text(_POSTGRES.format(*map(quoted, (self.table, self.text, fold_name(self.text))))), lists
            )
            return
        rows = self._rows()
        # A text that was changed in the meantime has its fold already, or is found by the next run.
        is_same = rows.c[self.text].is_not_distinct_from(bindparam("_text", type_=Text))
        is_row = (rows.c[OWNER_COLUMN] == bindparam("_user", type_=Text)) & (rows.c.id == bindparam("_id"))
        new = bindparam("_fold", type_=Text)
        connection.execute(update(rows).where(is_row, is_same).values({fold_name(self.text): new}), stale)

    def _stale_rows(self, connection: Connection, after: Key) -> tuple[list[dict[str, Any]], Key | None]:
        # The next batch of suspects, without those whose fold is right, and the key of the last one.
        rows = self._rows()
        key = rows.c[OWNER_COLUMN], rows.c.id
        batch = select(*key, rows.c[self.text], rows.c[fold_name(self.text)]).where(self._is_suspect(rows))
        batch = batch.where(tuple_(*key) > tuple_(*after)) if after else batch
        found = connection.execute(batch.order_by(*key).limit(BATCH_SIZE)).all()
        stale = [
            {"_user": user, "_id": row_id, "_text": value, "_fold": folded}
            for user, row_id, value, stored in found
            if stored != (folded := None if value is None else fold(value)[: self.cut])
        ]
        return stale, (found[-1][0], found[-1][1]) if len(found) == BATCH_SIZE else None

    def _is_suspect(self, rows: Any) -> ColumnElement[bool]:
        is_missing: ColumnElement[bool] = rows.c[fold_name(self.text)].is_(None) & rows.c[self.text].is_not(None)
        return or_(is_missing, rows.c[CHANGED_AT] > utcnow() - _WINDOW) if self.has_versions else is_missing

    def _rows(self) -> Any:
        texts = (column(name, Text) for name in (OWNER_COLUMN, self.text, fold_name(self.text)))
        return table(self.table, *texts, column("id", BigInteger), column(CHANGED_AT, UTCDateTime))


def folded_texts(connection: Connection, metadata: MetaData = SQLModel.metadata) -> Iterator[FoldedText]:
    """Yield the texts of the models that have a fold, without those whose table or column the database lacks."""
    present = set(inspect(connection).get_table_names())
    for model in metadata.tables.values():
        folds = [each for each in model.c if HIDDEN in each.info] if model.name in present else []
        held = {each["name"] for each in inspect(connection).get_columns(model.name)} if folds else set()
        for each in folds:
            if each.name in held:
                cut = cast("Fold", each.type).cut
                yield FoldedText(model.name, each.info[HIDDEN], cut, CHANGED_AT in model.c)


def fill_folds(url: URL, backoff: Backoff, metadata: MetaData = SQLModel.metadata) -> None:
    """Fill the folds of all tables, each batch in its own transaction, which waits 0.3 s for a lock."""
    # Reads first, because on SQLite a transaction that may write blocks other writers.
    with reading_engine(url).connect() as connection:
        counts = {folded: folded.count_stale(connection) for folded in folded_texts(connection, metadata)}
    engine = migration_engine(url)
    for folded, count in counts.items():
        if count:
            folded.fill(partial(_retry, engine, backoff))
            backoff.report(f"filled the fold of {folded.text} in {count:,} rows of {folded.table}")


def _retry(engine: Engine, backoff: Backoff, change: Callable[[Connection], Key | None]) -> Key | None:
    while True:
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(LOCK_TIMEOUT)
                last = change(connection)
        except OperationalError as error:
            if classify(error) is not Failure.BUSY:
                raise
            backoff.wait("waiting for another connection that is writing")
        else:
            backoff.reset()
            return last
