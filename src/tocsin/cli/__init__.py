"""The command line: one file per noun; each parses arguments, calls a room's service and prints."""
