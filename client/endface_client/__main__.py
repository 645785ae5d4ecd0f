"""The command ``endface``: inspect pictures, ask a server for its health, run one, or read a record."""

from __future__ import annotations

import typer

from endface_client._cli.demo import demo
from endface_client._cli.health import health
from endface_client._cli.inspect import inspect
from endface_client._cli.record import app as record_app
from endface_client._cli.serve import serve

app = typer.Typer(
    help="Inspect fiber-optic connector end faces against IEC 61300-3-35.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (serve, demo, inspect, health):
    app.command()(_command)
app.add_typer(record_app, name="record")


def main() -> None:
    """Entry point of the command."""
    app()


if __name__ == "__main__":
    main()
