"""The joint fund: which projects are worth their money, who pays what, and books that balance to the cent."""
