"""What a run's scores are worth, on its page: chance, a naive guess, each class, and how often."""

from typing import Any

import streamlit as st

from backend.runs import Run
from backend.scores.honest import OFTEN, HonestScore, honest_scores
from backend.tasks.base import Metric
from pages.components.status import scores
from pages.components.wording import amount, escape, percent

FEW = 2000
"""With fewer test examples it is worth saying that there are only so many."""
MOST_CLASSES = 200


def _written(metric: Metric, value: float) -> str:
    return percent(value) if metric.percent else amount(value)


def _between(one: HonestScore) -> str:
    """93.1 % and 96.5 %; empty where nobody knows."""
    if one.interval is None:
        return ""
    low, high = (_written(one.metric, end) for end in (one.interval.low, one.interval.high))
    return f"{low} and {high}"


def what_it_is_worth(run: Run) -> str:
    """How far chance moves the main score, and what a naive guess gets: two sentences at most."""
    found = honest_scores(run)
    if found is None or not found.scores:
        return ""
    main, words = found.scores[0], ""
    if main.interval is not None and found.examples:
        only = "only " if found.examples < FEW else ""
        words += (
            f" Between {_between(main)}: with {only}{found.examples:,} test examples, chance alone "
            "moves it that much."
        )
    if main.naive is not None and found.naive_words:
        guess = escape(found.naive_words, 160)
        words += f" For comparison: {guess}, gets {_written(main.metric, main.naive)}."
    return words


def is_no_better(run: Run) -> bool:
    """Whether the main score may as well be that of a naive guess."""
    found = honest_scores(run)
    return found is not None and bool(found.scores) and found.scores[0].beats_naive is False


def scores_table(run: Run) -> None:
    """Every score of the test (or, before it, the validation), and what each of them means."""
    found = scores(run)
    on = "test" if found[0].split == "test" else "validation"
    st.markdown(f"#### Scores :gray[· on the {on} part]")
    tested = honest_scores(run) if on == "test" else None
    honest = {} if tested is None else {one.metric.name: one for one in tested.scores}
    has_chance = any(one.interval is not None for one in honest.values())
    has_guess = any(one.naive is not None for one in honest.values())
    head = ["", "", *(["chance"] if has_chance else []), *(["a guess"] if has_guess else [])]
    # The first row is no header for Markdown: the quiet tables of this page have none.
    lines = ["| " * len(head) + "|", "|" + ":--|" * len(head)]
    if has_chance or has_guess:
        lines.append("| " + " | ".join(f":gray[{word}]" if word else "" for word in head) + " |")
    for one in found:
        known = honest.get(one.metric.name)
        cells = [f":gray[{escape(one.metric.title)}]", f"**{one.words}**"]
        if has_chance:
            cells.append(_between(known).replace(" and ", " – ") if known else "")
        if has_guess:
            guess = None if known is None else known.naive
            cells.append("" if guess is None else _written(one.metric, guess))
        # A number and its sign stay on one line, however narrow the column is.
        lines.append("| " + " | ".join(cells).replace(" %", "\N{NO-BREAK SPACE}%") + " |")
    with st.container(key="facts_scores"):
        st.markdown("\n".join(lines))
    if tested is not None and tested.looks >= OFTEN:
        st.info(
            f"The test part of these data has been looked at {tested.looks} times. The best of so "
            "many tries is partly luck: check your favourite on new examples.",
            icon=":material/visibility:",
        )
    with st.expander("What they mean"):
        for one in found:
            st.caption(f"**{escape(one.metric.title)}**: {escape(one.metric.help, 300)}")
        if has_chance:
            st.caption("**Chance**: with other test examples of the same kind, 95 times of 100 the "
                       "score would lie between these two.")  # fmt: skip
        if has_guess and tested is not None:
            st.caption(f"**A guess**: what {escape(tested.naive_words or 'a guess', 160)} gets.")


def class_table(run: Run) -> None:
    """Each class of the test, the weakest first, folded in."""
    tested = honest_scores(run)
    if tested is None or not tested.classes:
        return
    with st.expander(f"Class by class :gray[· {len(tested.classes)}, the weakest first]"):
        rows = [
            {
                "Class": one.name,
                "Found": None if one.recall is None else 100 * one.recall,
                "Right": None if one.precision is None else 100 * one.precision,
                "F1": 100 * one.f1,
                "Count": one.examples,
            }
            for one in tested.classes[:MOST_CLASSES]
        ]
        st.dataframe(
            rows, hide_index=True, width="stretch", key="class_results",
            column_config={
                "Found": _column("Of the examples of this class, how many it found (recall).",
                                 "%.0f %%"),
                "Right": _column("Of its answers that named this class, how many were right "
                                 "(precision).", "%.0f %%"),
                "F1": _column("Both in one number: high only where both are.", "%.0f %%"),
                "Count": _column("How many of the test there are: with few of them, the figures "
                                 "of the class are mostly chance.", "%d"),
            },
        )  # fmt: skip


def _column(words: str, how: str) -> Any:
    return st.column_config.NumberColumn(help=words, format=how, width=58)
