"""Measures each path against its bare floor on the same machine in the same run.

It works from a checkout, as the tests do: it starts the same broker, database and programs.
"""
