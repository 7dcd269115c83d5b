"""What annexes do to the exchange: what they widen is offered anew, what they let out is told and called back."""
