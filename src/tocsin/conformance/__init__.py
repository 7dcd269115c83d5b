"""A conformance suite for TAXII 2.1 (OASIS Standard, 10 June 2021): named cases by section, against any server.

It judges from outside, over HTTP, and imports nothing of our own server. Sections named here are that document's.
"""
