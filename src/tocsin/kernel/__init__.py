"""What every room stands on: time, ids, mandates, canonical bytes, the database, the edge of HTTP."""
