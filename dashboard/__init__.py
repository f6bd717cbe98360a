"""The dashboard of marketing and sales."""
