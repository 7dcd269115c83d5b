"""``tocsin fund award`` and what follows: inspected, measured, released, called back, certified, verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from msgspec.structs import replace

from tocsin.cli.fund_common import AsOption, FundArgument, ProjectArgument, called, content, plan_of, tell
from tocsin.cli.log import KeyOption, vkey
from tocsin.cli.options import JsonOption, MotionOption, checked, commands, example
from tocsin.cli.output import Output
from tocsin.cli.session import Session, opened, read_bounded, write_new
from tocsin.errors import InputError, UsageError
from tocsin.kernel.clock import SystemClock, parse_date
from tocsin.kernel.ids import SystemEntropy
from tocsin.log.note import VerifierKey
from tocsin.log.verify import verify_export
from tocsin.risk.fund.audit import audit
from tocsin.risk.fund.cents import written
from tocsin.risk.fund.certificate import CERTIFICATE, MOST_CERTIFICATE, open_certificate
from tocsin.risk.fund.measuring import MOST_LINKS, NONCE_BYTES, bound_of, chain_of, plan_digest
from tocsin.risk.fund.wire import cents_of, read_terms

if TYPE_CHECKING:
    from tocsin.risk.fund.model import Award, Terms
    from tocsin.risk.fund.projects import Plan

__all__ = ["app"]

app = commands()

AmountOption = Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="In the fund's currency, like 1200.50.")]
TrancheArgument = Annotated[int, typer.Argument(metavar="TRANCHE", min=1, help="Its number, from 1.")]
# Each has 64 digits and a line end.
_MOST_NUMBERS: Final = 65 * (MOST_LINKS + 1)


@app.command("numbers", epilog=example("tocsin fund numbers lab.numbers --count 4"))
def numbers(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where the assessor keeps them; nobody else reads it.")],
    count: Annotated[
        int, typer.Option("--count", min=1, max=MOST_LINKS, help="One for each attempt at each tranche.")
    ] = 20,
    json: JsonOption = False,
) -> None:
    """Make an assessor's secret numbers, and print the commitment that goes into the terms. Needs no hub."""
    out = Output(json=json)
    chain = chain_of(SystemEntropy().bytes(NONCE_BYTES), count)
    write_new(file, "".join(f"{one}\n" for one in chain).encode(), mode=0o600)
    out.document({"commitment": chain[0], "count": count, "file": file})
    out.line(f"commitment {chain[0]}")
    out.line(f"{count} numbers are in {file}: keep it to yourself until each is used")


@app.command("digest", epilog=example("tocsin fund digest town.json"))
def digest(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A plan, JSON; - for standard input.")],
    json: JsonOption = False,
) -> None:
    """Print the digest of a plan, by which terms name the plan before. Needs no hub."""
    out = Output(json=json)
    found = plan_digest(plan_of(plan))
    out.document({"digest": found})
    out.line(found)


@app.command("award", epilog=example("tocsin fund award region flood-wall terms.json"))
def award(
    name: FundArgument,
    project: ProjectArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The terms, JSON; - for standard input.")],
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Agree on an award: grant or loan, its tranches, what each asks for, and who measures that."""
    out = Output(json=json)
    written_terms = read_terms(content(file, "terms"), where=called(file))
    with opened() as session:
        terms = _by_uri(session, written_terms)
        made = session.hub.funds.award(session.acting(), session.mandate(motion), name, project, terms)
    _tell(out, project, made)


def _by_uri(session: Session, terms: Terms) -> Terms:
    """Return terms whose parties are URIs, whatever they were written as."""
    payee, assessor = (one if ":" in one else session.hub.parties.get(one).uri for one in (terms.payee, terms.assessor))
    return replace(terms, payee=payee, assessor=assessor)


@app.command("inspect", epilog=example("tocsin fund inspect region flood-wall built.json --as sig@lab"))
def inspect(
    name: FundArgument,
    project: ProjectArgument,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan as it was built, JSON.")],
    as_: AsOption,
    json: JsonOption = False,
) -> None:
    """Enter, for the assessor, the plan as it was built; the next seed follows from this entry."""
    out = Output(json=json)
    built = plan_of(plan)
    with opened() as session:
        made = session.hub.funds.inspect(session.acting(as_), name, project, built)
    _tell(out, project, made)


@app.command(
    "measure",
    epilog=example(
        "tocsin fund measure region flood-wall 2 --before town.json --after built.json "
        "--numbers lab.numbers --as sig@lab"
    ),
)
def measure(
    name: FundArgument,
    project: ProjectArgument,
    tranche: TrancheArgument,
    before: Annotated[str, typer.Option("--before", metavar="PLAN", help="The plan that the terms name.")],
    after: Annotated[str, typer.Option("--after", metavar="PLAN", help="The plan that was entered as built.")],
    numbers: Annotated[str, typer.Option("--numbers", metavar="FILE", help="The assessor's numbers.")],
    as_: AsOption,
    json: JsonOption = False,
) -> None:
    """Measure what a project saves, on samples that nobody chose; the result is entered, met or not."""
    out = Output(json=json)
    old, new = plan_of(before), plan_of(after)
    listed = read_bounded(numbers, _MOST_NUMBERS, "a file of numbers").decode("ascii", errors="replace").split()
    with opened() as session:
        funds = session.hub.funds
        opens = funds.get(name).award(project).opens
        if opens not in listed or listed.index(opens) + 1 >= len(listed):
            raise InputError("the number that is next is not in this file", where=numbers)
        try:
            nonce = bytes.fromhex(listed[listed.index(opens) + 1])
        except ValueError as error:
            raise InputError("the number that is next is none", where=numbers) from error
        with out.progress("cascades"):
            made = funds.measure(session.acting(as_), name, project, tranche, before=old, after=new, nonce=nonce)
    _tell(out, project, made)


@app.command("release", epilog=example("tocsin fund release region flood-wall 1"))
def release(
    name: FundArgument,
    project: ProjectArgument,
    tranche: TrancheArgument,
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Pay the next tranche of an award, if what it asks for was measured."""
    out = Output(json=json)
    with opened() as session:
        fund = session.hub.funds.release(session.acting(), session.mandate(motion), name, project, tranche)
    tell(out, fund)


@app.command(
    "claw-back", epilog=example("tocsin fund claw-back region flood-wall --amount 8000 --reason 'It was never built'")
)
def claw_back(
    name: FundArgument,
    project: ProjectArgument,
    amount: AmountOption,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is entered into the log.")],
    motion: MotionOption = None,
    json: JsonOption = False,
) -> None:
    """Call back what was paid of an award, 0 to end it only; nothing more is paid of it."""
    out = Output(json=json)
    with opened() as session:
        fund = session.hub.funds.call_back(
            session.acting(), session.mandate(motion), name, project, amount=cents_of(amount), reason=reason
        )
    tell(out, fund)


@app.command("repay", epilog=example("tocsin fund repay region flood-wall --amount 4000"))
def repay(
    name: FundArgument,
    project: ProjectArgument,
    amount: AmountOption,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="A reference; it is entered into the log.")] = "",
    json: JsonOption = False,
) -> None:
    """Enter that a payee paid back: what was called back first, then of a loan."""
    out = Output(json=json)
    with opened() as session:
        tell(out, session.hub.funds.repaid(session.acting(), name, project, cents_of(amount), note))


@app.command(
    "certificate",
    epilog=example("tocsin fund certificate region flood-wall 2 --until 2028-06-01 --out wall.certificate"),
)
def certificate(
    name: FundArgument,
    project: ProjectArgument,
    tranche: TrancheArgument,
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="Until when it is good: five years at most.",
            callback=checked("--until", parse_date),
        ),
    ],
    file: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it.")],
    json: JsonOption = False,
) -> None:
    """Write a signed certificate that a benchmark was met, for a tax relief or an insurer."""
    out = Output(json=json)
    if Path(file).exists():
        raise UsageError("there is a file already", where=file, todo="name another, or remove it")
    with opened() as session:
        made = session.hub.funds.certify(session.acting(), name, project, tranche, until=parse_date(until))
        key = session.hub.log.vkey
    write_new(file, made)
    out.document({"certificate": file, "key": key})
    out.line(f"written to {file}; it is checked with {key}")


@app.command("verify", epilog=example("tocsin fund verify wall.certificate --key hub.vkey"))
def verify(
    path: Annotated[Path, typer.Argument(metavar="CERTIFICATE|DIR", help="A certificate, or an export of everything.")],
    key: KeyOption = None,
    plan: Annotated[
        list[str] | None,
        typer.Option("--plan", metavar="PLAN", help="A plan, to make its measurements again; several times."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check a certificate, or the funds of an export: every step, every sum, every seed. Needs no hub."""
    out = Output(json=json)
    if path.is_dir():
        _audit(out, path, vkey(key), [plan_of(one) for one in plan or ()])
    else:
        _certificate(out, path, key)


def _audit(out: Output, path: Path, trusted: str | None, plans: list[Plan]) -> None:
    verified = verify_export(path, trusted_vkey=trusted)
    if verified.disclosed < verified.size:
        raise UsageError(
            f"{verified.disclosed} of {verified.size} entries are disclosed, and funds are told by all",
            where=str(path),
            todo="export with --disclose all",
        )
    found = audit(path, size=verified.size, plans=plans)
    out.document(
        {
            "funds": [one.name for one in found.funds],
            "movements": found.movements,
            "measurements": found.measurements,
            "measured_again": found.again,
            "pinned": verified.pinned,
        }
    )
    out.line(
        f"funds: {len(found.funds)}; movements: {found.movements}, the books balance; "
        f"measurements: {found.measurements}, each on a seed of the log's own root; "
        f"made again with the plans given: {found.again}"
    )
    if verified.caveat is not None:
        out.line(verified.caveat)


def _certificate(out: Output, path: Path, key: str | None) -> None:
    data = read_bounded(str(path), MOST_CERTIFICATE, "a certificate")
    # what its first line says is not signed by anybody yet: it is a hint, and no proof
    if not data.startswith(f"{CERTIFICATE}\n".encode()):
        raise InputError(
            "this is no certificate",
            where=str(path),
            todo="name what `tocsin fund certificate` wrote, or the folder of an export; a plan is given with --plan",
        )
    trusted = vkey(key)
    if trusted is None:
        raise UsageError("a certificate holds no key", where="--key", todo="give the hub's, had from elsewhere")
    said = open_certificate(data, key=VerifierKey.parse(trusted), at=SystemClock().now())
    out.document({"verified": True, "certificate": said})
    out.line("It verifies.", style="bold")
    out.line(f"  {said.hub}, fund {said.fund}: {said.project}, held by {said.holder}, measured by {said.assessor}")
    out.line(f"  saves at least {said.saved_at_least:,} a sample; {said.threshold:,} was asked ({said.confidence})")
    out.line(f"  from {said.issued} until {said.until}")


def _tell(out: Output, project: str, made: Award) -> None:
    terms, last = made.terms, made.measurements[-1] if made.measurements else None
    bound = None
    if last is not None:
        threshold = terms.tranches[last.tranche - 1].threshold or 0
        bound = bound_of(last.sums, threshold=threshold, confidence=terms.confidence, attempts=terms.attempts)
    out.document({"project": project, "award": made, "last": bound})
    out.line(f"{project}: {terms.kind} to {terms.payee}, assessed by {terms.assessor}", style="bold")
    out.table(
        ("tranche", "amount", "saves at least", "stands"),
        (
            (
                number,
                written(tranche.amount),
                "-" if tranche.threshold is None else f"{tranche.threshold:,}",
                "paid" if number in made.released else "met" if number in made.met else "open",
            )
            for number, tranche in enumerate(terms.tranches, 1)
        ),
        nothing="",
    )
    if last is not None and bound is not None:
        word = "met" if bound.met else "NOT met"
        out.line(
            f"last measured, tranche {last.tranche}, attempt {last.attempt} of {terms.attempts}: {bound.mean:,.0f} on "
            f"average, at least {bound.lower:,.0f}: {word}"
        )
