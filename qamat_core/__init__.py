"""The science as plain functions and modules: no Beam, no Prefect."""
