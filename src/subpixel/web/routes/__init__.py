"""The interface's addresses, by what they are about."""
