"""Why a model answered so: what mattered, the check of it, what would change it, what is alike."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from backend.heat_drawing import covered_picture, heat_picture
from backend.inference import Explanation
from backend.inference.wording import change_words, check_words
from backend.runs import Run
from pages.components.example_row import example_row
from pages.components.wording import escape, escape_lines, percent

SHOWN = 260
WEAK, STRONG = 0.25, 0.6
"""From these shares of the strongest word on a word is coloured, and coloured strongly."""
METHODS = {
    "gradients": "from inside the network",
    "covering": "by covering each part in turn",
    "leaving out": "by leaving out each word in turn",
    "attention": "what it looked at while it wrote",
}


def explanation(run: Run, found: Explanation) -> None:
    """All parts, the map that holds best first."""
    maps = [part for part in found.parts if part["kind"] in ("heat", "words")]
    if not maps and not found.parts:
        st.caption("There is nothing in it that could be pointed at.")
        return
    if maps:
        _marks(maps)
    for part in found.parts:
        drawer = OTHERS.get(part["kind"])
        if drawer is not None:
            drawer(run, part)
    st.caption(f"Worked out in {found.seconds:.1f} s by the model itself, on this computer.")


def _marks(maps: list[dict[str, Any]]) -> None:
    """The map that holds best, and the others to choose from."""
    best = max(maps, key=lambda part: part["check"]["drop_marked"])
    ways = {METHODS.get(part["method"], part["method"]): part for part in maps}
    words = list(ways)
    stands = words.index(METHODS.get(best["method"], best["method"]))
    shown = best
    if len(words) > 1:
        chosen = st.segmented_control(
            "How it was found", words, default=words[stands], key="play_why_way",
            help="Each way is checked: the first one shown is the one whose mark matters most.",
        )  # fmt: skip
        shown = ways.get(chosen or "", best)
    if shown["kind"] == "words":
        st.markdown(_coloured(shown))
        st.caption(
            f":green-background[speaks for] “{escape(str(shown['about']), 80)}” · "
            ":red-background[speaks against it]"
        )
    else:
        st.image(
            heat_picture(shown["picture"], shown["values"]), width=SHOWN,
            caption="The brighter, the more it mattered", alt=f"Heat map: {check_words(shown)}",
        )  # fmt: skip
    icon = "verified" if shown["check"]["holds"] else "help"
    st.markdown(f":material/{icon}: {escape(check_words(shown), 400)}")
    if not shown["check"]["holds"]:
        st.caption("The mark matters no more than any other part here: do not trust it.")


def _coloured(part: dict[str, Any]) -> str:
    """The text with its words coloured, as Markdown."""
    text, pieces, end = str(part["text"]), [], 0
    for word in part["words"]:
        pieces.append(escape_lines(text[end : word["start"]]) if end < word["start"] else "")
        end = word["end"]
        pieces.append(_word(text[word["start"] : end], float(word["weight"])))
    return "".join([*pieces, escape_lines(text[end:]) if end < len(text) else ""])


def _word(word: str, weight: float) -> str:
    shown, colour = escape(word, 200), "green" if weight > 0 else "red"
    if abs(weight) < WEAK:
        return shown
    if abs(weight) < STRONG:
        return f":{colour}[{shown}]"
    return f":{colour}-background[{shown}]"


def _change(run: Run, part: dict[str, Any]) -> None:
    st.markdown("##### What would change it")
    st.markdown(escape(change_words(part), 600))
    if part["of"] == "picture" and part["found"]:
        st.image(covered_picture(part["picture"], part["box"]), width=160,
                 alt="The picture with the part covered that changes the answer")  # fmt: skip


def _nearest(run: Run, part: dict[str, Any]) -> None:
    st.markdown("##### What it reminds the model of")
    everything = part["searched"] >= part["of"]
    st.caption(
        "The training examples that look most alike to it"
        + ("." if everything else f", of {part['searched']:,} of {part['of']:,} looked at so far.")
    )
    below = []
    for one in part["examples"]:
        label = f"**{escape(str(one['label']), 24)}** " if one["label"] else ""
        below.append(f"{label}:gray[{percent(max(0.0, one['similarity']))} alike]")
    numbers = [one["example"] for one in part["examples"]]
    example_row(run.dataset_id, run.dataset_version, numbers, below, "play_nearest")


OTHERS: dict[str, Callable[[Run, dict[str, Any]], None]] = {
    "changes": _change, "nearest": _nearest,
}  # fmt: skip
"""What draws the parts below the map, by their kind (backend/models/explaining.py)."""
