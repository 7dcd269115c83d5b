"""Hypothesis strategies for parties, users and their words."""

from __future__ import annotations

import base64
import unicodedata

from hypothesis import strategies as st

from tocsin.parties.model import CLEARANCES, PURPOSES, Kind, Party, PartyStatus, Role, User, UserStatus

__all__ = ["any_party", "any_user", "instants", "names", "passwords", "titles", "uris"]

names = st.from_regex(r"[a-z0-9](?:[a-z0-9._-]{0,6}[a-z0-9])?", fullmatch=True)
uris = st.builds(
    lambda host, path: f"https://{host}.example{path}", names, st.sampled_from(["", "/a/", "/a?b=c%20d", "/%C3%A6"])
) | st.builds(lambda word: f"urn:example:{word}", names)
titles = st.text(min_size=1, max_size=40).map(str.strip).filter(lambda text: bool(text) and text.isprintable())
instants = st.integers(0, 253_402_300_799_999_999)
countries = st.sampled_from(["NO", "SE", "DK", "FI", "EE"])
words = st.frozensets(names, max_size=3)
passwords = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=12, max_size=40).filter(
    lambda text: not unicodedata.normalize("NFC", text).startswith("tocsin_")
)
any_party = st.builds(
    Party,
    uri=uris,
    name=names,
    title=titles,
    kind=st.sampled_from(Kind),
    country=countries,
    capacities=words,
    sectors=words,
    communities=words,
    clients=st.frozensets(st.builds(lambda word: f"urn:client:{word}", names), max_size=2),
    data_region=st.none() | names,
    clearance=st.sampled_from(CLEARANCES),
    clearance_until=st.none() | instants,
    status=st.sampled_from(PartyStatus),
)
any_user = st.builds(
    User,
    name=names,
    party=uris,
    roles=st.frozensets(st.sampled_from(Role), min_size=1),
    clearance=st.sampled_from(CLEARANCES),
    clearance_until=st.none() | instants,
    nationality=st.none() | countries,
    purpose=st.sampled_from(PURPOSES),
    status=st.sampled_from(UserStatus),
    signing_key=st.none() | st.binary(min_size=32, max_size=32).map(lambda raw: base64.b64encode(raw).decode()),
)
