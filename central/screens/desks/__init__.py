"""The registry's desks: a list, a page of one, and a form for each step, of each of its subjects.

A desk is a client of the interface `/api/v1`: it lists, shows and changes by its answers, with the
session of who looks, so a page can do no more and no less than a token. Columns, filters, forms and
what a field may hold are drawn from the interface's own description.
"""
