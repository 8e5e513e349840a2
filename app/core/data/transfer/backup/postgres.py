"""Backups of PostgreSQL in pg_dump's custom format, and their restore in one transaction.

pg_restore alone drops only the objects of the backup, and fails if a newer table refers to one of them. So its script
is piped to psql, after statements that empty the schema, and before a COMMIT that is sent when the script was complete.
"""

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

_SCRIPT: Final = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", "--file=-")
_PSQL: Final = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
_REVISIONS: Final = re.compile(r"^COPY \S*alembic_version .*\n((?:\w+\n)*)\\\.$", re.MULTILINE)
# pg_restore 17 and later writes it for any server; servers before 17 refuse it.
_NEW_SETTING: Final = b"SET transaction_timeout = 0;\n"
_KNOWS_IT: Final = 17
_HEADER: Final = 8192  # it is within so many bytes
# First the role's default privileges: a restored table would get them in addition to the grants of the backup. Then
# all objects in the current schema that the role may drop, without those of extensions. One statement for each kind,
# because tables refer to each other; no CASCADE, which would drop objects of other roles that depend on them.
_EMPTY: Final = """
BEGIN;
SET LOCAL lock_timeout = '10s';
DO $empty$
DECLARE each text;
BEGIN
    IF NOT pg_try_advisory_xact_lock({lock}) THEN
        RAISE 'migrations are being applied; restore when they are';
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
        return 0  # the programs do not tell

    def write(self, target: Path, _: Advance) -> None:
        version, server = major_version("pg_dump"), self._server_version()
        if version < server:
            raise BackupFailed(
                f"pg_dump is of PostgreSQL {version} and the server of {server}; put the client programs of {server} or"
                " later first on PATH, or use `app dumpdata`, which needs none"
            )
        self._programs.connect("pg_dump", "--format=custom", f"--file={target}")

    def read(self, backup: Path) -> frozenset[str]:
        try:
            self._programs.run("pg_restore", f"--file={os.devnull}", backup)
        except BackupFailed as error:
            if "unsupported version" in str(error):
                raise BackupFailed(f"{error}: a newer pg_dump has written it; put one as new first on PATH") from None
            raise
        versions = self._output_of(backup, "--data-only", "--table=alembic_version", "--file=-")
        return frozenset(" ".join(_REVISIONS.findall(versions)).split())

    def restore(self, backup: Path, _: Advance) -> None:
        knows_it = self._server_version() >= _KNOWS_IT
        with NamedTemporaryFile("w") as list, self._programs.feed("psql", *_PSQL) as psql:
            list.write(self._entries(backup))
            list.flush()
            psql.write(_EMPTY.format(lock=LOCK_KEY).encode())
            with self._programs.read("pg_restore", *_SCRIPT, f"--use-list={list.name}", backup) as script:
                header = script.read(_HEADER)
                psql.write(header if knows_it else header.replace(_NEW_SETTING, b"", 1))
                shutil.copyfileobj(script, psql)
            psql.write(b"COMMIT;\n")  # the script was complete; without this psql's transaction is rolled back

    def _entries(self, backup: Path) -> str:
        # Without the default privileges of other roles, which only these roles may set.
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
        assert version is not None, "it is known when it is connected"  # noqa: S101
        return int(version[0])
