"""Emergency annexes: who can bring one into force, for how long, and how it ends."""
