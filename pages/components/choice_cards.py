"""One choice among cards that are buttons as a whole; the chosen one stands out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components.layout import card
from pages.components.wording import escape

FEW, MANY = 6, 24
"""So many are shown at first, and so many at once of all, which come on demand, with a search."""
Callback = Callable[[], None]


@dataclass(frozen=True)
class Choice:
    """A card: its value in session state, its words (plain text) and what is drawn below them."""

    value: str
    title: str
    words: str
    icon: str = ""
    badges: tuple[tuple[str, str], ...] = ()  # (text, colour)
    draw: Callback | None = None


def settle(key: str, choices: Sequence[Choice]) -> str:
    """The chosen value; the first one where nothing, or nothing of these, is chosen."""
    values = [choice.value for choice in choices]
    if st.session_state.get(key) not in values:
        st.session_state[key] = values[0]
    return str(st.session_state[key])


def choice_cards(
    key: str, choices: Sequence[Choice], *, width: int = 250, on_choose: Callback | None = None
) -> str:
    """Draw the cards and return the chosen value; the first one is chosen at the start."""
    chosen = settle(key, choices)
    draw_cards(key, choices, width=width, on_choose=on_choose)
    return chosen


def draw_cards(
    key: str, choices: Sequence[Choice], *, width: int = 250, on_choose: Callback | None = None
) -> None:
    """Some of a choice's cards in rows of three; a press on one puts its value into the state."""
    chosen = st.session_state.get(key)
    grid = st.grid(3, min_column_width=width, gap="small")
    for choice in choices:
        selected = choice.value == chosen
        name = f"choice_{key}_{choice.value}"
        with grid, card(name, selected=selected, height="stretch", gap="xsmall"):
            _draw(key, choice, selected, on_choose)


def many_choice_cards(
    key: str, choices: Sequence[Choice], *, what: str, on_choose: Callback | None = None
) -> None:
    """The first few cards, the chosen one among them; all of them, with a search, on demand.

    what: what they are, such as models.
    """
    if len(choices) <= FEW:
        draw_cards(key, choices, on_choose=on_choose)
        return
    if not st.session_state.get(f"{key}_all"):
        draw_cards(key, _few(choices, st.session_state.get(key)), on_choose=on_choose)
        st.button(
            f"Show all {len(choices)} {what}", key=f"{key}_show_all", type="tertiary",
            icon=":material/expand_more:", on_click=_show_all, args=(key,),
        )  # fmt: skip
        return
    asked = st.text_input(
        f"Search the {what}", key=f"{key}_search", icon=":material/search:",
        placeholder=f"Search {len(choices)} {what}", label_visibility="collapsed", live=True,
    )  # fmt: skip
    found = [choice for choice in choices if _matches(choice, asked or "")]
    if found:
        draw_cards(key, _few(found, st.session_state.get(key), MANY), on_choose=on_choose)
        if len(found) > MANY:
            st.caption(f"{len(found) - MANY} more: type a part of a name to find them.")
    else:
        st.caption(f"None of the {what} goes by that.")


def _few(choices: Sequence[Choice], chosen: str | None, most: int = FEW) -> list[Choice]:
    few = list(choices[:most])
    rest = [choice for choice in choices[most:] if choice.value == chosen]
    return [*rest, *few][:most]


def _matches(choice: Choice, asked: str) -> bool:
    words = f"{choice.title} {choice.value} {choice.words}".lower()
    return all(part in words for part in asked.lower().split())


def _draw(key: str, choice: Choice, selected: bool, on_choose: Callback | None) -> None:
    icon = ":material/check_circle:" if selected else None
    if icon is None and choice.icon:
        icon = f":material/{choice.icon}:"
    chosen = " :small[chosen]" if selected else ""
    st.button(
        f"**{escape(choice.title, 60)}**{chosen}",
        key=f"choose_{key}_{choice.value}",
        icon=icon,
        type="tertiary",
        width="stretch",
        on_click=_choose,
        args=(key, choice.value, on_choose),
    )
    badges = " ".join(f":{color}-badge[{escape(text)}]" for text, color in choice.badges)
    words = f":gray[{escape(choice.words, 150)}]" if choice.words else ""
    if badges or words:
        st.markdown("  \n".join(part for part in (words, badges) if part))
    if choice.draw is not None:
        choice.draw()


def _choose(key: str, value: str, on_choose: Callback | None) -> None:
    st.session_state[key] = value
    if on_choose is not None:
        on_choose()


def _show_all(key: str) -> None:
    st.session_state[f"{key}_all"] = True
