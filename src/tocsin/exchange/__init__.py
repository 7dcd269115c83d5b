"""Intelligence in and out: STIX, intake, reading, TAXII."""
