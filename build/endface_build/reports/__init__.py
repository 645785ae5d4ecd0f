"""The accuracy page and its plots."""
