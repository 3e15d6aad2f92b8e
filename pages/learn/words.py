"""All words that the app uses, each with one sentence."""

import streamlit as st

from backend.glossary import GROUPS, matching
from pages.components.layout import card, page_header
from pages.components.wording import escape


def main() -> None:
    page_header("Words", "What is meant by what you read here: one sentence each.")
    asked = st.text_input(
        "Search", key="words_search", type="search", live=True, width=320,
        placeholder="Search", label_visibility="collapsed",
    )  # fmt: skip
    found = matching(asked)
    if not found:
        st.caption("No word fits. Try another one, or clear the search.")
        return
    columns = st.columns(2, gap="medium")
    for place, group in enumerate(name for name in GROUPS if any(t.group == name for t in found)):
        with columns[place % 2], card(f"words_{group}"):
            st.markdown(f"#### {group}", anchors=False)
            for term in found:
                if term.group == group:
                    st.markdown(f"**{escape(term.word)}**  \n{escape(term.sentence, 300)}")


main()
