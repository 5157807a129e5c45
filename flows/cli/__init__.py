"""The command line `qamat`."""
