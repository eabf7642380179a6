"""Places to run programs that nobody trusts."""
