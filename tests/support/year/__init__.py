"""A year of a partnership, told twice: to a hub, and to a slow evaluator written from the pages in ``docs``."""
