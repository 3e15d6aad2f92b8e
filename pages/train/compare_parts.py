"""What is said below the compared curves: chance or not, scores, what differs, where from."""

import pandas as pd
import streamlit as st

from backend.charts import settings_figure
from backend.comparing import Comparison, Standing
from backend.comparing.columns import columns_of
from backend.comparing.differences import value_words
from backend.glossary import meaning
from pages.components import links
from pages.components.layout import card
from pages.components.wording import amount, escape, percent

MOST_LINKS = 8
SURE, OPEN = ":material/check_circle:", ":material/casino:"


def verdicts(found: Comparison) -> None:
    """Whether the differences mean anything, the main metric first."""
    if not (found.differences or found.doubts or found.note):
        return
    with card("compare_verdicts"):
        st.markdown(
            "#### Does the difference mean anything?", anchors=False, help=meaning("Chance")
        )
        if found.note:
            st.markdown(f":material/info: {escape(found.note, 300)}")
        main = found.differences[0][0].metric.name if found.differences else ""
        rest = []
        for one, sentence in found.differences:
            words = f"{SURE if one.is_meant else OPEN} {escape(sentence, 600)}"
            if one.metric.name == main:
                st.markdown(words)
            else:
                rest.append(f"**{escape(one.metric.title)}**  \n{words}")
        for doubt in found.doubts:
            st.markdown(f":gray[:material/help: {escape(doubt, 400)}]")
        if rest:
            with st.expander("By the other metrics"):
                for words in rest:
                    st.markdown(words)
        if found.differences:
            st.caption(
                "Only the test examples that both runs answered are counted. "
                + ("As several runs were held against the best, chance had several throws; that is "
                   "allowed for. " if len(found.runs) > 2 else "")
                + "Where it is right or wrong: McNemar's exact test; elsewhere: drawing the "
                "examples again 2,000 times."
            )  # fmt: skip


def scores_table(found: Comparison) -> None:
    """A row per metric, a column per run; the best are marked."""
    if not found.standings:
        st.markdown("#### Scores", anchors=False)
        st.caption("Nothing was measured yet.")
        return
    on = "test" if found.standings[0].split == "test" else "validation"
    st.markdown(f"#### Scores :gray[· on the {on} part]", anchors=False)
    rows = [{"": one.metric.title, **_scores(found, one)} for one in found.standings]
    _table(rows, "Scores of the runs")
    if any(one.best for one in found.standings):
        st.caption("★ is the best of its row.")
    with st.container(horizontal=True):
        for run in found.runs[:MOST_LINKS]:
            st.page_link(
                links.RUN, label=escape(found.names[run.id], 40), query_params={"run": str(run.id)},
                icon=":material/arrow_forward:",
            )  # fmt: skip


def _scores(found: Comparison, one: Standing) -> dict[str, str]:
    words = {}
    for run, value in zip(found.runs, one.values, strict=True):
        star = " ★" if run.id in one.best and len(one.best) < len(found.runs) else ""
        written = percent if one.metric.percent else amount
        words[found.names[run.id]] = "–" if value is None else written(value) + star
    return words


def differing_table(found: Comparison) -> None:
    """Only what is not the same in all of them."""
    st.markdown("#### What differs", anchors=False)
    if not found.rows:
        st.caption("Nothing: the same data, the same model, the same settings.")
        return
    names = list(found.names.values())
    rows = [
        {"": row.label, **dict(zip(names, map(value_words, row.values), strict=True))}
        for row in found.rows
    ]
    _table(rows, "What differs between the runs")
    explained = [row for row in found.rows if row.help]
    if explained:
        with st.expander("What these settings do"):
            for row in explained:
                st.caption(f"**{escape(row.label)}**: {escape(row.help, 300)}")


def _table(rows: list[dict[str, str]], alt: str) -> None:
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt=alt,
        column_config={"": st.column_config.TextColumn(pinned=True)},
    )  # fmt: skip


def settings_chart(found: Comparison) -> None:
    """Which settings went with which score, from three tested runs of one task on."""
    columns = columns_of(found)
    if columns is None:
        return
    with card("compare_settings"):
        st.markdown("#### Settings and score", anchors=False)
        st.caption(
            "Each line is a run: it passes its settings from left to right and ends at its score. "
            "Drag along an axis to see only the runs that pass there."
        )
        settings, score = columns
        better = found.standings[0].metric.higher_is_better
        with st.container(key="compare_wide"):
            st.plotly_chart(
                settings_figure(settings, score, higher_is_better=better),
                config={"displayModeBar": False}, key="compare_settings_chart",
                alt="One line per run through its settings to its score",
            )  # fmt: skip


def history(found: Comparison) -> None:
    """What is known of where these runs come from."""
    if not found.links:
        return
    with card("compare_history"):
        st.markdown("#### Where they come from", anchors=False)
        icons = {"resumed": "resume", "copied": "content_copy", "data": "database"}
        for link in found.links:
            icon = icons.get(link.kind, "compare_arrows")
            st.markdown(f":material/{icon}: {escape(link.sentence, 600)}")
