"""OpenTAXII's application, with the one repair without which 0.9.3 answers 500 to every POST.

It gives a UUID to `json.dumps`, after the objects are stored (its issue 243; mended there, in no package so far).
"""

import json
from types import SimpleNamespace

from opentaxii.taxii2 import http

http.json = SimpleNamespace(dumps=lambda value: json.dumps(value, default=str))

from opentaxii.http import app  # noqa: E402  builds the server when imported

__all__ = ["app"]
