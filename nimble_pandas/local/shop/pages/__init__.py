"""The shop's pages: one module per kind of markup."""
