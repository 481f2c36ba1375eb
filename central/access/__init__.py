"""Who may do what: roles and rights, accounts, tokens, passwords."""
