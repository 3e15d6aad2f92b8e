"""One choice among cards: a title, a few words and a button each; the chosen one stands out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components.layout import card
from pages.components.wording import escape


@dataclass(frozen=True)
class Choice:
    """A card: its value in session state, its words (plain text) and what is drawn below them."""

    value: str
    title: str
    words: str
    icon: str = ""
    badges: tuple[tuple[str, str], ...] = ()  # (text, colour)
    draw: Callable[[], None] | None = None


def choice_cards(key: str, choices: Sequence[Choice], *, width: int = 250) -> str:
    """Draw the cards and return the chosen value; the first one is chosen at the start."""
    values = [choice.value for choice in choices]
    if st.session_state.get(key) not in values:
        st.session_state[key] = values[0]
    chosen = st.session_state[key]
    grid = st.grid(3, min_column_width=width, gap="medium")
    for choice in choices:
        selected = choice.value == chosen
        name = f"{key}_{choice.value}"
        with grid, card(name, selected=selected, height="stretch", gap="small"):
            _draw(choice)
            st.space("stretch")
            st.button(
                "Chosen" if selected else "Choose",
                key=f"choose_{name}",
                icon=":material/check:" if selected else None,
                type="primary" if selected else "secondary",
                width="stretch",
                help=f"Take {escape(choice.title)}",
                on_click=_choose,
                args=(key, choice.value),
            )
    return str(chosen)


def _draw(choice: Choice) -> None:
    icon = f":material/{choice.icon}: " if choice.icon else ""
    st.markdown(f"#### {icon}{escape(choice.title, 60)}")
    if choice.badges:
        with st.container(horizontal=True, gap="xsmall"):
            for text, color in choice.badges:
                st.badge(escape(text), color=color)  # type: ignore[arg-type]
    if choice.words:
        st.markdown(f":gray[{escape(choice.words, 240)}]")
    if choice.draw is not None:
        choice.draw()


def _choose(key: str, value: str) -> None:
    st.session_state[key] = value
