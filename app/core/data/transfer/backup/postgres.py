"""Backups of PostgreSQL in pg_dump's custom format, and their restore in one transaction."""

import os
import re
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import Final

from sqlalchemy import URL, text

from app.core.data.errors import BackupFailed
from app.core.data.schema.engines import migration_engine
from app.core.data.schema.running.locks import LOCK_KEY
from app.core.data.transfer.backup.files import Advance
from app.core.data.transfer.backup.programs import ClientPrograms, major_version

_RESTORE_OPTIONS: Final = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", "--file=-")
_PSQL_OPTIONS: Final = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
_REVISIONS: Final = re.compile(r"^COPY \S*alembic_version .*\n((?:\w+\n)*)\\\.$", re.MULTILINE)
# pg_restore 17 and later writes this line for any server; servers before 17 refuse it.
_TRANSACTION_TIMEOUT: Final = b"SET transaction_timeout = 0;\n"
_TRANSACTION_TIMEOUT_SINCE: Final = 17
_HEADER_BYTES: Final = 8192  # the line is among the first bytes of the script
# First the role's default privileges: a restored table would get them in addition to the grants of the backup. Then
# all objects in the current schema that the role may drop, except the objects of extensions. One statement for each
# kind, because tables refer to each other; no CASCADE, which would drop dependent objects of other roles.
_EMPTY_SCHEMA: Final = """
BEGIN;
SET LOCAL lock_timeout = '10s';
DO $empty$
DECLARE each text;
BEGIN
    IF NOT pg_try_advisory_xact_lock({lock}) THEN
        RAISE 'migrations are being applied; restore after they are done';
    END IF;
    FOR each IN
        SELECT format(
            'ALTER DEFAULT PRIVILEGES%s REVOKE ALL ON %s FROM %s',
            ' IN SCHEMA ' || nullif(defaclnamespace, 0)::regnamespace,
            CASE defaclobjtype WHEN 'r' THEN 'TABLES' ELSE 'SEQUENCES' END,
            coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'))
        FROM pg_default_acl, aclexplode(defaclacl)
        WHERE defaclrole = quote_ident(current_user)::regrole AND grantee <> defaclrole AND defaclobjtype IN ('r', 'S')
    LOOP
        EXECUTE each;
    END LOOP;
    FOR each IN
        WITH objects AS (
            SELECT oid, relowner AS owner, relnamespace AS schema, CASE relkind
                WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind,
                oid::regclass::text AS name
            FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition
            UNION ALL SELECT oid, proowner, pronamespace, 'ROUTINE', oid::regprocedure::text FROM pg_proc
            UNION ALL SELECT oid, typowner, typnamespace, 'TYPE', oid::regtype::text FROM pg_type WHERE typtype = 'e'
        )
        SELECT format('DROP %s %s', kind, string_agg(name, ', ')) FROM objects
        WHERE schema = quote_ident(current_schema())::regnamespace AND pg_has_role(owner, 'USAGE')
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = oid AND deptype = 'e')
        GROUP BY kind ORDER BY array_position(ARRAY['MATERIALIZED VIEW', 'VIEW', 'TABLE', 'ROUTINE', 'TYPE'], kind)
    LOOP
        EXECUTE each;
    END LOOP;
END $empty$;
"""


class PostgresBackups:
    """`Backups` of a PostgreSQL database, by the role that owns its tables."""

    def __init__(self, url: URL) -> None:
        self._engine = migration_engine(url)
        self._programs = ClientPrograms(url)

    def steps(self, _: Path | None = None) -> int:
        return 0  # the programs report no progress

    def write(self, target: Path, _: Advance) -> None:
        version, server = major_version("pg_dump"), self._server_version()
        if version < server:
            raise BackupFailed(
                f"pg_dump has version {version} and the server {server}; put the client programs of version {server} or"
                " later first on PATH, or use `app dumpdata`, which needs none"
            )
        self._programs.connect("pg_dump", "--format=custom", f"--file={target}")

    def read(self, backup: Path) -> frozenset[str]:
        try:
            self._programs.run("pg_restore", f"--file={os.devnull}", backup)
        except BackupFailed as error:
            if "unsupported version" in str(error):
                raise BackupFailed(
                    f"{error}: a newer pg_dump wrote it; put the client programs of that version first on PATH"
                ) from None
            raise
        versions = self._output_of(backup, "--data-only", "--table=alembic_version", "--file=-")
        return frozenset(" ".join(_REVISIONS.findall(versions)).split())

    def restore(self, backup: Path, _: Advance) -> None:
        # pg_restore itself drops only the objects of the backup, and fails if a newer table refers to one of them. So
        # psql runs its script after statements that empty the schema. COMMIT is sent only after a complete script;
        # without it psql's transaction is rolled back.
        unknown_line = _TRANSACTION_TIMEOUT if self._server_version() < _TRANSACTION_TIMEOUT_SINCE else b""
        with NamedTemporaryFile("w") as entries, self._programs.feed("psql", *_PSQL_OPTIONS) as psql:
            entries.write(self._entries(backup))
            entries.flush()
            psql.write(_EMPTY_SCHEMA.format(lock=LOCK_KEY).encode())
            with self._programs.read("pg_restore", *_RESTORE_OPTIONS, f"--use-list={entries.name}", backup) as script:
                psql.write(script.read(_HEADER_BYTES).replace(unknown_line, b"", 1))
                shutil.copyfileobj(script, psql)
            psql.write(b"COMMIT;\n")

    def _entries(self, backup: Path) -> str:
        # Without the default privileges of other roles: only these roles may set them.
        with self._engine.connect() as connection:
            role = connection.scalar(text("SELECT current_user"))
        lines = self._output_of(backup, "--list").splitlines(keepends=True)
        return "".join(line for line in lines if " DEFAULT ACL " not in line or line.endswith(f" {role}\n"))

    def _output_of(self, backup: Path, *arguments: str) -> str:
        with TemporaryFile() as output:
            self._programs.run("pg_restore", *arguments, backup, to=output)
            output.seek(0)
            return output.read().decode()

    def _server_version(self) -> int:
        with self._engine.connect() as connection:
            version = connection.dialect.server_version_info
        assert version is not None, "the dialect knows it after the first connection"  # noqa: S101
        return int(version[0])
