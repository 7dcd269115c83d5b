"""TAXII 2.1 (OASIS Standard, 10 June 2021): resources, filters, routes. Sections named here are that document's."""
