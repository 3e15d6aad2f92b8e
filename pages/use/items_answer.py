"""How suggestions are shown: what, how well it fits, and because of which of one's own things."""

from typing import Any

import streamlit as st

from backend.tasks.base import Example
from pages.components.wording import escape, plural


def items_answer(given: Example, prediction: dict[str, Any]) -> None:
    """The suggestions in a table, best first; those that came true are marked."""
    found = prediction["items"]
    later = set(given.truth.split("\n")) if given.truth else set()
    picked = [given.value] if isinstance(given.value, str) else list(given.value)
    st.markdown(f"## {plural(len(found), 'suggestion')}")
    st.caption(f"For somebody who likes {escape(', '.join(map(str, picked)), 400)}")
    best = max([one["score"] for one in found], default=1.0)
    rows = [
        {
            "Suggestion": str(one["item"]),
            "Fit": one["score"] / best if best > 0 else 0.0,
            "Because you like": str(one["because"]),
            **({"Liked it indeed": one["item"] in later} if later else {}),
        }
        for one in found
    ]
    st.dataframe(
        rows, hide_index=True, alt="Suggestions, the best first, and why",
        column_config={
            "Suggestion": st.column_config.TextColumn(width="medium"),
            "Fit": st.column_config.ProgressColumn(
                min_value=0, max_value=1, format=" ", width="small",
                help="How well it fits, beside the best one.",
            ),
            "Because you like": st.column_config.TextColumn(
                width="medium", help="The nearest of what was picked."
            ),
        },
    )  # fmt: skip
    if later:
        hits = sum(one["item"] in later for one in found)
        st.caption(
            f"{hits} of the {plural(len(later), 'thing')} that this person liked and the model was "
            f"never told: {escape(', '.join(sorted(later)), 400)}"
        )
