"""Accounts: registering, logging in, finding each other."""
