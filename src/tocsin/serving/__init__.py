"""What a hub serves: one application of every room's routes, what runs beside them, and what an operator watches."""
