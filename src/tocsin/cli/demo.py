"""``tocsin demo``: the demonstration partnership."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from tocsin.cli.options import JsonOption, commands, example
from tocsin.cli.output import Output

__all__ = ["app"]

app = commands()

# Where no terminal says how wide it is: the widest table of the story keeps its lines whole.
WIDTH: Final = 150


@app.command("demo", epilog=example("tocsin demo --no-serve --home ./tocsin-demo"))
def demo(
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it at the end, until interrupted.")] = True,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
    home: Annotated[Path, typer.Option("--home", metavar="DIR", help="Where it lives; the next one replaces it.")] = (
        Path("tocsin-demo")
    ),
    json: JsonOption = False,
) -> None:
    """Build a partnership, tell an incident, show who receives what and why, prove it, and serve.

    With --json the story is told on standard error, and where it lives is printed at the end.
    """
    # the demonstration brings a web server and a client with it, which no other command should wait for
    from tocsin.demo.run import run  # noqa: PLC0415

    out = Output(json=json)
    file = sys.stderr if json else sys.stdout
    run(home, Console(file=file, width=None if file.isatty() else WIDTH), port=port if serve else None)
    out.document({"home": str(home.absolute()), "credentials": str(home.absolute() / "credentials.txt")})
