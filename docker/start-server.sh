#!/bin/sh
# Starts the Prefect server, unless it had no password: "USER:" is none either. What follows the first ":" may hold others.
set -eu
case "${PREFECT_SERVER_API_AUTH_STRING:-}" in
?*:?*) exec prefect server start --host 0.0.0.0 --port 4200 ;;
esac
echo "PREFECT_SERVER_API_AUTH_STRING has no password: give USER:PASSWORD" >&2
exit 1
