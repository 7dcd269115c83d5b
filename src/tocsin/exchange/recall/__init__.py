"""Recalls: who received an object is told to stop using or to destroy it, and attests that it did."""
