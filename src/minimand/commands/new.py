"""`minimand new`: the skeletons of a component, its test and its claim."""

from __future__ import annotations

import argparse

from minimand.commands.parsing import Commands, add_command


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "new",
        help="write the skeletons of a new component: the code, its test and its claim",
        description="Writes three files at one path in three trees of a source checkout. They can be imported, and "
        "their test fails until the component is written.",
        examples="""
        minimand new losses.noisy.elr --name ELR
        minimand new evaluation.classification.top_k
        """,
    )
    parser.set_defaults(run=run)
    parser.add_argument("path", metavar="ROLE.ROOM.NAME", help="where it goes, such as losses.noisy.elr")
    parser.add_argument("--name", metavar="NAME", help="how its class is spelled, such as ELR (default: from the path)")
    parser.add_argument("--quiet", action="store_true", help="do not say which files were written")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of failures")


def run(arguments: argparse.Namespace) -> int:
    """Write the files and print their names."""
    from minimand.workbench.catalogue.skeletons import new

    written = new(arguments.path, name=arguments.name)
    if not arguments.quiet:
        print("\n".join(str(file) for file in written))
    return 0
