"""After adding a file to sql/migrations: python -m include.warehouse.migrations"""

from include.warehouse.migrations import add_revisions

for name in add_revisions():
    print(f"sql/migrations/{name} is part of the ledger now.")
