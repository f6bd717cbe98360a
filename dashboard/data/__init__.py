"""Queries of the dashboard: mart only, every value bound, no Streamlit."""
