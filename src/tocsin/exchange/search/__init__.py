"""Search and correlation: an index that follows what is offered, asked through the gate."""
