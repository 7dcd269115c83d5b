"""What producers write on objects, read into the parts of a label, and turned from one kind of marking to another."""

from tocsin.exchange.markings.acs import ACS_EXTENSION
from tocsin.exchange.markings.classification import banner_of, classification_of
from tocsin.exchange.markings.iep import IEP_EXTENSION
from tocsin.exchange.markings.model import UNKNOWN, Marking, join, strictest
from tocsin.exchange.markings.read import (
    KNOWN_MARKINGS,
    MAX_RECIPIENTS,
    MAX_TERMS,
    PAP_EXTENSION,
    TERMS_EXTENSION,
    TLP_EXTENSION,
    read_marking,
    read_own_terms,
    says_more,
)

__all__ = [
    "ACS_EXTENSION",
    "IEP_EXTENSION",
    "KNOWN_MARKINGS",
    "MAX_RECIPIENTS",
    "MAX_TERMS",
    "PAP_EXTENSION",
    "TERMS_EXTENSION",
    "TLP_EXTENSION",
    "UNKNOWN",
    "Marking",
    "banner_of",
    "classification_of",
    "join",
    "read_marking",
    "read_own_terms",
    "says_more",
    "strictest",
]
