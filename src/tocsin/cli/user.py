"""``tocsin user``: people, their credentials and their keys."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec.structs import replace

from tocsin.cli import user_signing
from tocsin.cli.keyring import new_key, place_of, public_half, registering, require_one
from tocsin.cli.options import (
    CapacityOption,
    ClearanceOption,
    JsonOption,
    MotionOption,
    PurposeOption,
    ReasonOption,
    UntilOption,
    checked,
    choices,
    commands,
    example,
    until,
    words,
)
from tocsin.cli.output import Output, day, instant, listed
from tocsin.cli.party import user_document
from tocsin.cli.session import opened
from tocsin.errors import UsageError
from tocsin.kernel.clock import DAY
from tocsin.kernel.mandate import Right
from tocsin.parties.acts import MAX_TOKEN_LIFETIME
from tocsin.parties.model import CLEARANCES, Permission, Role, User, check_country, check_purpose, parse_reference
from tocsin.parties.passwords import MAX_PASSWORD

__all__ = ["app"]

app = commands("Users: people of a party, their credentials and signing keys.")
app.add_typer(user_signing.app)

UserArgument = Annotated[str, typer.Argument(metavar="USER@PARTY", help="The user.")]
SubjectArgument = Annotated[
    str, typer.Argument(metavar="USER@PARTY|PARTY", help="The user, or the party whose service it is for.")
]
KeyFileOption = Annotated[
    Path | None, typer.Option("--key-file", metavar="FILE", help="Where to write the key; else the keyring.")
]
NationalityOption = Annotated[
    str | None,
    typer.Option(
        "--nationality", metavar="CC", help="ISO 3166-1: NO.", callback=checked("--nationality", check_country)
    ),
]

# What a credential may be allowed, in a word each.
_ALLOWED: Final = {
    "list": frozenset({Permission.COLLECTIONS_READ}),
    "read": frozenset({Permission.COLLECTIONS_READ, Permission.OBJECTS_READ}),
    "submit": frozenset({Permission.OBJECTS_SUBMIT}),
    "delete": frozenset({Permission.OBJECTS_DELETE}),
    "speak": frozenset({Permission.PARTY_SPEAK}),
    "carry": frozenset({Permission.MANDATE_USE}),
    "watch": frozenset({Permission.HUB_WATCH}),
}
_BELONGS: Final = "The key belongs to the signatory alone: hand it over and delete it here. Who holds it signs."


@app.command(
    "add",
    epilog=example("tocsin user add kari@fjordkraft --role signatory,analyst --clearance restricted --nationality NO"),
)
def add(
    reference: UserArgument,
    role: Annotated[list[str] | None, typer.Option("--role", help="What they do; viewer if not given.")] = None,
    clearance: ClearanceOption = None,
    until_: UntilOption = None,
    nationality: NationalityOption = None,
    purpose: PurposeOption = "detect",
    key_file: KeyFileOption = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Add a person to a party; a signatory gets a fresh Ed25519 key, whose public half is registered."""
    out = Output(json=json)
    _, name = _parts(reference)
    roles = choices(role, Role, "--role") or frozenset({Role.VIEWER})
    with opened() as session, registering() as written:
        party, _ = session.resolve(reference.rpartition("@")[2])
        user = User(
            name=name,
            party=party.uri,
            roles=roles,
            clearance=clearance or CLEARANCES[0],
            clearance_until=until(until_),
            nationality=nationality,
            purpose=purpose,
        )
        granted, founding = session.mandate(motion), session.mandate(None)
        parties, acting = session.hub.parties, session.acting()
        with session.hub.store.write() as connection:
            parties.acts(connection, acting, granted).add_user(user)
            # a motion is on one act: where keys are a body's to decide too, that is another motion's
            if Role.SIGNATORY in roles and founding.covers(Right.USER_CHANGE, reference):
                place = key_file or place_of(session.hub.settings, reference)
                public = public_half(None, place, new_key, session.hub.entropy, written)
                user = parties.acts(connection, acting, founding).register_signing_key(reference, public)
    path = next(iter(written), None)
    out.document(user_document(user, party.name) | {"key_file": None if path is None else str(path)})
    out.line(f"{reference} is added: {listed(user.roles)}.")
    if path is not None:
        out.line(f"signing key: {path}, public half {user.signing_key}")
        out.line(_BELONGS)
    elif Role.SIGNATORY in roles:
        out.line(f"no signing key yet: tocsin user key {reference} --motion UUID")
    out.line(f"next: tocsin user token {reference} --purpose {user.purpose}, or tocsin user password {reference}")


@app.command("change", epilog=example("tocsin user change kari@fjordkraft --role signatory,liaison"))
def change(
    reference: UserArgument,
    role: Annotated[list[str] | None, typer.Option("--role", help="What they do from now on.")] = None,
    clearance: ClearanceOption = None,
    until_: UntilOption = None,
    nationality: NationalityOption = None,
    purpose: Annotated[
        str | None,
        typer.Option("--purpose", metavar="PURPOSE", help="What for.", callback=checked("--purpose", check_purpose)),
    ] = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Change what a person does and may know: what is not named stays, roles take the place of the old ones.

    A clearance that is named without --until has no end.
    """
    out = Output(json=json)
    roles = choices(role, Role, "--role")
    with opened() as session:
        party, old = session.resolve(reference)
        if old is None:
            raise UsageError(
                f"{reference} is no person", where="USER@PARTY", todo="`tocsin party change` is for parties"
            )
        ends = until(until_)
        new = replace(
            old,
            roles=roles or old.roles,
            clearance=clearance or old.clearance,
            clearance_until=old.clearance_until if clearance is None and ends is None else ends,
            nationality=nationality or old.nationality,
            purpose=purpose or old.purpose,
        )
        if new == old:
            raise UsageError("nothing would change", where=reference, todo="name what is to be another")
        user = session.hub.parties.change_user(session.acting(), session.mandate(motion), new)
    out.document(user_document(user, party.name))
    out.line(f"{reference} is changed: {listed(user.roles)}, {user.clearance}.")
    if Role.SIGNATORY in user.roles and user.signing_key is None:
        out.line(f"next: tocsin user key {reference}")


@app.command("list", epilog=example("tocsin user list fjordkraft"))
def show_all(
    party: Annotated[str | None, typer.Argument(metavar="[PARTY]", help="Of this party only.")] = None,
    json: JsonOption = False,
) -> None:
    """List users, disabled ones included."""
    out = Output(json=json)
    with opened() as session:
        names = [one.name for one in session.hub.parties.all_parties()] if party is None else [party]
        users = [(name, user) for name in names for user in session.hub.parties.users(name)]
    out.document([user_document(user, name) for name, user in users])
    out.table(
        ("user", "roles", "clearance", "until", "nationality", "purpose", "status"),
        (
            (
                f"{user.name}@{name}",
                listed(user.roles),
                user.clearance,
                day(user.clearance_until),
                user.nationality or "-",
                user.purpose,
                user.status,
            )
            for name, user in users
        ),
        nothing="there are no users",
    )


@app.command("key", epilog=example("tocsin user key kari@fjordkraft --key-file kari.key"))
def key(
    reference: UserArgument,
    public: Annotated[
        str | None,
        typer.Option("--public", metavar="BASE64", help="Register this public key, made elsewhere; writes no file."),
    ] = None,
    key_file: KeyFileOption = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Give a signatory a signing key in place of the old one: a fresh one, or one made on their own machine."""
    out = Output(json=json)
    require_one(public, key_file)
    _parts(reference)
    with opened() as session, registering() as written:
        session.resolve(reference)
        place = key_file or place_of(session.hub.settings, reference)
        public = public_half(public, place, new_key, session.hub.entropy, written)
        user = session.hub.parties.register_signing_key(session.acting(), session.mandate(motion), reference, public)
    path = next(iter(written), None)
    out.document({"user": reference, "signing_key": user.signing_key, "key_file": None if path is None else str(path)})
    out.line(f"signatures of {reference} are checked with {user.signing_key}")
    if path is not None:
        out.line(f"signing key: {path}")
        out.line(_BELONGS)


@app.command("token", epilog=example("tocsin user token fjordkraft --purpose detect --allow read,submit --days 30"))
def token(
    reference: SubjectArgument,
    purpose: PurposeOption = "detect",
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow", metavar="WORDS", help="Any of list, read, submit, delete, speak, carry, watch; else read."
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=MAX_TOKEN_LIFETIME // DAY, help="How long it is good.")
    ] = 90,
    note: Annotated[str, typer.Option("--note", help="What it is for; it is entered into the log.")] = "",
    as_capacity: CapacityOption = None,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token for a user or a party's service, bound to one purpose; it is shown this once."""
    out = Output(json=json)
    wanted = words(allow) or frozenset({"read"})
    if unknown := sorted(wanted - _ALLOWED.keys()):
        raise UsageError(
            f"{unknown[0][:80]!r} cannot be allowed",
            where="--allow",
            todo="use list, read, submit, delete, speak, carry, watch",
        )
    permissions = frozenset[Permission]().union(*(_ALLOWED[word] for word in wanted))
    with opened() as session:
        text, made = session.hub.parties.issue_token(
            session.acting(),
            session.mandate(motion),
            reference,
            purpose=purpose,
            permissions=permissions,
            lifetime=days * DAY,
            note=note,
            capacity=as_capacity,
        )
    out.document(
        {
            "token": text,
            "token_id": made.token_id,
            "subject": made.subject,
            "purpose": made.purpose,
            "capacity": made.capacity,
            "permissions": sorted(made.permissions),
            "expires_at": instant(made.expires_at),
        }
    )
    out.line(text, style="bold")
    acts = "" if made.capacity is None else f", as {made.capacity}"
    out.line(f"token {made.token_id} of {made.subject}, to {made.purpose}{acts}, until {day(made.expires_at)}")
    out.line("It is shown this once: only a hash of it is kept.")


@app.command("revoke", epilog=example("tocsin user revoke 3 --reason 'the sensor was replaced'"))
def revoke(
    token_id: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number, as `party show` lists it.")],
    reason: ReasonOption = "",
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token good for nothing from now on."""
    out = Output(json=json)
    with opened() as session:
        made = session.hub.parties.revoke_token(session.acting(), session.mandate(motion), token_id, reason)
    out.document({"token_id": token_id, "subject": made.subject, "revoked_at": instant(made.revoked_at)})
    out.line(f"token {token_id} of {made.subject} is revoked.")


@app.command("password", epilog=example("tocsin user password kari@fjordkraft"))
def password(
    reference: UserArgument,
    stdin: Annotated[bool, typer.Option("--stdin", help="Take it from the first line of standard input.")] = False,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Set a user's password: asked for twice, or from standard input."""
    out = Output(json=json)
    _parts(reference)
    with opened() as session:
        session.resolve(reference)
        if stdin:
            text = sys.stdin.readline(MAX_PASSWORD + 2).removesuffix("\n")
        elif sys.stdin.isatty():
            text = typer.prompt("password", hide_input=True, confirmation_prompt=True)
        else:
            raise UsageError("nobody is there to type it", where=reference, todo="use --stdin")
        session.hub.parties.set_password(session.acting(), session.mandate(motion), reference, text)
    out.document({"user": reference, "password": "set"})
    out.line(f"the password of {reference} is set.")


@app.command("disable", epilog=example("tocsin user disable kari@fjordkraft --reason 'changed employer'"))
def disable(
    reference: UserArgument, reason: ReasonOption = "", motion: MotionOption = None, json: JsonOption = False
) -> None:
    """Shut a person out, for good."""
    out = Output(json=json)
    party, _ = _parts(reference)
    with opened() as session:
        user = session.hub.parties.disable_user(session.acting(), session.mandate(motion), reference, reason)
    out.document(user_document(user, party))
    out.line(f"{reference} is disabled: passwords and tokens of theirs are good for nothing.")


def _parts(reference: str) -> tuple[str, str]:
    """Return the names of party and user.

    Raises:
        InputError: it is neither ``party`` nor ``user@party``; UsageError: it names no user.
    """
    party, user = parse_reference(reference)
    if user is None:
        raise UsageError(f"{reference} is a party, not a user", todo=f"write user@{reference}")
    return party, user
