"""Who: identity at the bottom, the account desk at the top."""
