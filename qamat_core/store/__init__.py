"""The artifact store: versioned tables, immutable directories, one registry."""
