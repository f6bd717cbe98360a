"""The words of the dashboard and of Excel: one name for a figure and one meaning for a term, whoever shows it."""
