"""The customer warehouse: Python moves bytes, calls procedures and draws; the business logic is SQL."""
