"""What falls when something is hit, and when: one definition, two engines (``docs/map.md``)."""
