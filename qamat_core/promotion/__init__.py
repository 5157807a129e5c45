"""Promotion: what belongs together is one bundle, and a gate says whether it may be used."""
