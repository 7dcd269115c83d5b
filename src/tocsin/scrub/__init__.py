"""What is taken out of an object before it is published in place of another."""
