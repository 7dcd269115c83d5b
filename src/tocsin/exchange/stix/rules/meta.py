"""Rules on meta objects (STIX 2.1 §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tocsin.exchange.stix.finding import Finding, Raw, Rule
from tocsin.exchange.stix.rules import values
from tocsin.exchange.stix.rules.common import check_created, check_references

if TYPE_CHECKING:
    from tocsin.exchange.stix.model import ExtensionDefinition, LanguageContent, MarkingDefinition

__all__ = ["RULES", "TLP_1"]


def _tlp(uuid: str, level: str) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid}",
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": f"TLP:{level.upper()}",
        "definition": {"tlp": level},
    }


TLP_1: Final[dict[str, dict[str, Any]]] = {
    marking["id"]: marking
    for marking in (
        _tlp("613f2e26-407d-48c7-9eca-b8e91df99dc9", "white"),
        _tlp("34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"),
        _tlp("f88d31f6-486f-44da-b317-01333bde0b82", "amber"),
        _tlp("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"),
    )
}
"""The only markings of type `tlp` that there are (§7.2.1.4), as they have to be written."""


def _marking(obj: MarkingDefinition, raw: Raw) -> Finding | None:
    """§7.2.1."""
    section = "STIX 2.1 §7.2.1"
    found = check_created(obj.created) or check_references(obj.external_references)
    if found is not None:
        return found
    if not obj.extensions and (obj.definition_type is None or obj.definition is None):
        missing = "definition_type" if obj.definition_type is None else "definition"
        return Finding(f"needs {missing!r}, or the marking in 'extensions'", missing, section)
    if obj.id in obj.object_marking_refs or obj.id in {each.marking_ref for each in obj.granular_markings}:
        return Finding("a marking cannot mark itself", "object_marking_refs", "STIX 2.1 §3.2")
    if obj.definition_type == "tlp" or obj.id.lower() in TLP_1:
        if raw != TLP_1.get(obj.id):
            what = "a marking of type 'tlp' is one of the four that the specification prints, letter by letter"
            return Finding(what, "", "STIX 2.1 §7.2.1.4", "use their ids in object_marking_refs and leave them out")
    elif obj.definition_type == "statement" and not isinstance((obj.definition or {}).get("statement"), str):
        return Finding("a statement needs its text", "definition.statement", "STIX 2.1 §7.2.1.3")
    return None


def _language_content(obj: LanguageContent, _raw: Raw) -> Finding | None:
    """§7.1.1: language codes over property names over texts, lists and dictionaries."""
    section = "STIX 2.1 §7.1.1"
    for tag, texts in obj.contents.items():
        where = f"contents.{tag[:100]}"
        if not values.is_language(tag):
            return Finding(f"{tag[:80]!r} is no language code by RFC 5646", where, section)
        for name, text in texts.items():
            if not values.is_property_name(name):
                return Finding(f"{name[:80]!r} is no name of a property", where, section)
            if not isinstance(text, (str, list, dict)):
                what = "a translation is a string, or a list or dictionary of strings"
                return Finding(what, f"{where}.{name}", section)
    return None


def _extension_definition(obj: ExtensionDefinition, _raw: Raw) -> Finding | None:
    """§7.3.1."""
    if obj.extension_properties and "toplevel-property-extension" not in obj.extension_types:
        what = "'extension_properties' needs 'toplevel-property-extension' among the extension_types"
        return Finding(what, "extension_properties", "STIX 2.1 §7.3.1")
    for index, name in enumerate(obj.extension_properties):
        if not values.is_property_name(name):
            what = f"{name[:80]!r} is no name of a property: 3 to 250 of a-z, 0-9 and underscore"
            return Finding(what, f"extension_properties[{index}]", "STIX 2.1 §7.3.2")
    return None


RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "extension-definition": (_extension_definition,),
    "language-content": (_language_content,),
    "marking-definition": (_marking,),
}
"""By type of meta object."""
