"""``segdemo checkpoints``: what is published, what of it is on this machine, and what each is."""

from typing import Annotated

import typer


def checkpoints(
    here: Annotated[bool, typer.Option(help="Only those whose weights are on this machine.")] = False,
) -> None:
    """List the checkpoints that this demo knows, those on this machine first, with what is published of them.

    Any other of these families runs by hub id or folder as well. ``--download`` of the other commands fetches one.
    """
    from segdemo.checkpoints import CATALOGUE, about, available_checkpoints, public_id

    found = {entry.id: entry for entry in available_checkpoints()}
    rest = [] if here else [entry for entry in CATALOGUE if entry.id not in found]
    for entry in [*found.values(), *rest]:
        place = "on this machine" if entry.id in found else "not on this machine"
        typer.echo(f"{public_id(entry.id)} ({place})")
        for line in (entry.description, entry.note, about(entry)):
            if line:
                typer.echo(f"    {line}")
