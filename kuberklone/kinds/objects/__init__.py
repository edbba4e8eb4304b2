"""Kinds that share the table `objects`: a folder for each API group, a file for each kind."""
