"""The orders: Prefect flows and the command line."""
