"""The pages of the app: they read and call backend, and are the only ones that import streamlit."""
