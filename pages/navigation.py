"""The frame around every page: its navigation, logo, style and the computer's card."""

import streamlit as st

from pages.components import links
from pages.components.machine_card import machine_card
from pages.components.notifier import notifier
from pages.components.tour import tour_line

# Before st.navigation: with a Material icon the browser would fetch one from the internet.
st.set_page_config(page_title="Trainroom", page_icon=str(links.ASSETS / "mark.svg"), layout="wide")

GROUPS = {
    "": [
        st.Page(
            links.HOME, title="Home", icon=":material/home:", default=True,
            help="Your runs at a glance, and where to start.",
        )
    ],
    "Train": [
        st.Page(
            links.NEW_RUN, title="New run", icon=":material/rocket_launch:", url_path="new",
            help="Choose what to learn, the data and a model, then start.",
        ),
        st.Page(
            links.RUNS, title="Runs", icon=":material/table_rows:", url_path="runs",
            help="All training runs: search, sort, rename, delete.",
        ),
        st.Page(links.RUN, title="Run", url_path="run", visibility="hidden"),
        st.Page(
            links.COMPARE, title="Compare", icon=":material/stacked_line_chart:",
            url_path="compare", help="Curves, settings and scores of several runs side by side.",
        ),
        st.Page(links.MISTAKES, title="Mistakes", url_path="mistakes", visibility="hidden"),
    ],
    "Data": [
        st.Page(
            links.DATASETS, title="Data sets", icon=":material/database:", url_path="data",
            help="What a model can learn from, and how to bring your own.",
        ),
        st.Page(links.DATASET, title="Data set", url_path="dataset", visibility="hidden"),
        st.Page(links.IMPORT, title="Add data", url_path="add-data", visibility="hidden"),
    ],
    "Use": [
        st.Page(
            links.PLAYGROUND, title="Playground", icon=":material/science:", url_path="playground",
            help="Try a trained model on your own pictures and texts.",
        )
    ],
    "Learn": [
        st.Page(
            links.LESSON, title="How it learns", icon=":material/school:", url_path="learn",
            help="One example, one error, one correction: with your own network and its numbers.",
        ),
        st.Page(
            links.WORDS, title="Words", icon=":material/menu_book:", url_path="words",
            help="Every word that you meet here, in one sentence.",
        ),
    ],
    "System": [
        st.Page(
            links.STORAGE, title="Storage", icon=":material/hard_drive:", url_path="storage",
            help="What takes how much of the disk, and clearing it.",
        ),
        st.Page(
            links.SETTINGS, title="Settings", icon=":material/settings:", url_path="settings",
            help="Going on after a restart, and being told when a run ends.",
        ),
    ],
}  # fmt: skip

page = st.navigation(GROUPS)
st.set_page_config(page_title=f"{page.title} · Trainroom")
st.logo(str(links.ASSETS / "logo.svg"), icon_image=str(links.ASSETS / "mark.svg"), size="large")
st.html(links.ASSETS / "style.css")

page.run()
with st.sidebar:
    tour_line(page.url_path)
    machine_card()
notifier()
