"""`gjurma-sim demo`: the whole flow on one machine, as separate operating-system processes."""
