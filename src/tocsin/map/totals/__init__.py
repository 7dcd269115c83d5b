"""Totals of the map over what a reader may not see, as the agreements allow them and as nobody is found out by them."""
