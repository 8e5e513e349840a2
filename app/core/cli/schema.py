"""`app schema`."""

import json
from pathlib import Path

import click

from app.core.cli.context import AppContext
from app.core.cli.failures import explained
from app.core.cli.output import explained_writing
from app.core.http.docs.document import document_of
from app.core.http.typescript import write_typescript
from app.settings import load_settings


@click.command("schema")
@click.option(
    "--format",
    "form",
    type=click.Choice(["openapi", "typescript"]),
    default="openapi",
    show_default=True,
    help="The document that is served at /schema/openapi.json, or types for a client.",
)
@click.option("--output", type=click.Path(path_type=Path), help="A file to write to, instead of standard output.")
@click.option("--yes", is_flag=True, help="Overwrite the file without asking.")
@click.pass_obj
@explained
def command(lobby: AppContext, form: str, output: Path | None, yes: bool) -> None:
    """Write what the API offers: as OpenAPI, or as TypeScript with an interface for each schema and all operations.

    Nothing is served for it, and no database is asked.
    """
    document = document_of(lobby.make_app(load_settings()))
    text = write_typescript(document) if form == "typescript" else json.dumps(document, indent=2) + "\n"
    with explained_writing(output):
        if output is None:
            click.echo(text, nl=False)
        elif yes or not output.exists() or click.confirm(f"Overwrite {output}?", abort=True, err=True):
            output.write_text(text, encoding="utf-8")
