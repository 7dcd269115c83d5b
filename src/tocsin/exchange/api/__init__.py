"""``/api/v1``: what members do at the exchange, in JSON, described by an OpenAPI document."""
