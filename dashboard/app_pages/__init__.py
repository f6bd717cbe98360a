"""One page a file; each is run by streamlit_app.py."""
