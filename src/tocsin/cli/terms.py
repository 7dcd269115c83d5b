"""``tocsin terms``: on what terms a reader has objects."""

from __future__ import annotations

import uuid
from typing import Annotated, Final

import typer

from tocsin.agreements.carried import marking_of
from tocsin.cli.options import AsOption, JsonOption, PurposeOption, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import opened
from tocsin.exchange.asking import Question

__all__ = ["app"]

app = commands()

# Ids of the bundles: the same markings make the same bundle.
_BUNDLES: Final = uuid.UUID("2d6b1c1e-5a57-5b44-8e2c-0a1a7c1f9b52")


@app.command("terms", epilog=example("tocsin terms indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f --as fjordkraft"))
def terms(
    objects: Annotated[list[str], typer.Argument(metavar="OBJECT…", help="The objects, by their ids.")],
    as_: AsOption,
    purpose: PurposeOption = "detect",
    json: JsonOption = False,
) -> None:
    """Say on what terms a reader has objects, as sentences, or as a bundle of STIX marking-definitions."""
    out = Output(json=json)
    with opened() as session:
        party, user = session.resolve(as_)
        found = [
            one
            for object_id in objects
            for one in session.hub.asking.why(
                Question(object_id=object_id, party=party, user=user, acting=session.acting(as_), purpose=purpose)
            )
            if one.explanation.verdict.allows
        ]
    markings = {term.marking: marking_of(term) for one in found for term in one.explanation.terms}
    ordered = [markings[key] for key in sorted(markings)]
    out.document(
        {
            "objects": [
                {
                    "id": one.object_id,
                    "version": one.version,
                    "object_marking_refs": [term.marking for term in one.explanation.terms],
                }
                for one in found
            ],
            "bundle": {
                "type": "bundle",
                "id": f"bundle--{uuid.uuid5(_BUNDLES, ' '.join(sorted(markings)))}",
                "objects": ordered,
            },
        }
    )
    for one in found:
        out.line(f"{one.object_id}, version {one.version}", style="bold")
        for term in one.explanation.terms:
            out.line(f"  {term.kind}: {term.statement}")
        if not one.explanation.terms:
            out.line("  it is the reader's own")
