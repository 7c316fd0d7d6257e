"""`minimand list`, `show` and `cite`: what there is, and what is known of it."""

from __future__ import annotations

import argparse

from minimand.commands.parsing import Commands, add_command, add_verbosity
from minimand.commands.printing import print_json


def add(commands: Commands) -> None:
    """Add the commands to the parser."""
    listing = add_command(
        commands,
        "list",
        help="list the components, with the verdict on the claim of each",
        description="Lists the components of the package and of installed plug-ins, each with the recorded verdict on "
        "the claim of its method.",
        examples="""
        minimand list
        minimand list --room losses.noisy
        minimand list --kind metric --json
        """,
    )
    listing.set_defaults(run=run_list)
    listing.add_argument("--room", metavar="ROOM", help="only this room or role, such as losses.noisy or losses")
    listing.add_argument("--kind", metavar="KIND", help="only this kind, such as loss or metric")
    add_verbosity(listing, json="print a list of objects")
    showing = add_command(
        commands,
        "show",
        help="show a component: formula, arguments, citation, when to use it, its claim and the recorded numbers",
        description="Shows what a component is and what is known of it: formula, arguments, citation, provenance, when "
        "to use it and its drawback, and the claim with the numbers that were recorded.",
        examples="""
        minimand show gce
        minimand show GCELoss
        minimand show losses.noisy.elr:ELRLoss --json
        minimand show focal --bibtex
        """,
    )
    showing.set_defaults(run=run_show)
    showing.add_argument("what", metavar="WHAT", help="a slug, id, path or name")
    showing.add_argument("--bibtex", action="store_true", help="print its bibliography entries and nothing else")
    add_verbosity(showing, json="print an object")
    citing = add_command(
        commands,
        "cite",
        help="print the bibliography entries of a component in BibTeX",
        description="Prints the bibliography entries of the papers behind a component, in BibTeX.",
        examples="minimand cite gce",
    )
    citing.set_defaults(run=run_cite)
    citing.add_argument("what", metavar="WHAT", help="a slug, id, path or name")
    citing.add_argument("--verbose", action="store_true", help="show tracebacks of failures")


def run_list(arguments: argparse.Namespace) -> int:
    """Print the table or the list."""
    from minimand.workbench.catalogue.listing import entries, table

    found = entries(room=arguments.room, kind=arguments.kind)
    if getattr(arguments, "json", False):
        print_json(found)
    else:
        print(table(found))
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Print the page or the object of one component."""
    if arguments.bibtex:
        return run_cite(arguments)
    from minimand.workbench.catalogue.details import details
    from minimand.workbench.catalogue.meaning import the_card
    from minimand.workbench.catalogue.page import page

    found = details(the_card(arguments.what))
    if getattr(arguments, "json", False):
        print_json(found)
    else:
        print(page(found))
    return 0


def run_cite(arguments: argparse.Namespace) -> int:
    """Print the bibliography."""
    from minimand.workbench.catalogue.details import bibliography
    from minimand.workbench.catalogue.meaning import the_card

    print(bibliography(the_card(arguments.what)))
    return 0
