"""What the pages are made of: header, filters, charts, numbers and words."""
