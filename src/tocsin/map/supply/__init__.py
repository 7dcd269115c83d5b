"""Supply chains: what assets are made of, from whom it comes, and which assets a vulnerable part reaches."""
