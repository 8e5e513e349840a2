"""`app schema`."""

import json
from pathlib import Path

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import explained_writing
from app.core.http.docs.document import document_of
from app.settings import load_settings


@click.command("schema")
@click.option("--output", type=click.Path(path_type=Path), help="File to write to; the default is standard output.")
@click.option("--yes", is_flag=True, help="Overwrite the file without asking.")
@click.pass_obj
@explained
def command(context: AppContext, output: Path | None, yes: bool) -> None:
    """Write the OpenAPI document that the application serves at /schema/openapi.json.

    No database is needed. For TypeScript types: `npx openapi-typescript api.json --output api.ts`.
    """
    text = json.dumps(document_of(context.make_app(load_settings())), indent=2) + "\n"
    with explained_writing(output):
        if output is None:
            click.echo(text, nl=False)
        elif yes or not output.exists() or click.confirm(f"Overwrite {output}?", abort=True, err=True):
            output.write_text(text, encoding="utf-8")
