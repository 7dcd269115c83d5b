"""Live: streams and webhooks. Both say at once what a page would say when asked, through the same gate."""
