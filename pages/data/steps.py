"""The step from having given something to seeing what was understood; for all ways to give."""

import streamlit as st

from backend.datasets.incoming.given import Given


def go_on(given: Given) -> None:
    """Show what was understood of it; the address names it from now on, so a reload finds it."""
    st.query_params["given"] = given.id
    st.rerun()
