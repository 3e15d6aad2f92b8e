"""What came of an import: how much, what was left out and why, and where to go next."""

import streamlit as st

from backend.datasets import Dataset, skipped_csv
from backend.datasets.incoming.look import Look
from backend.spreadsheets import as_csv
from pages.components import links
from pages.components.layout import card
from pages.components.samples import samples_row, size_words
from pages.components.wording import escape, plural

MOST_KINDS = 6


def show_result(dataset: Dataset) -> None:
    """The data set that was made, its warnings, its skipped list, and the next steps."""
    count = int(dataset.details.get("skipped_count", len(dataset.skipped)))
    left_out = f" {plural(count, 'row or file', 'rows or files')} left out." if count else ""
    st.success(
        f"{size_words(dataset)} are ready.{left_out}",
        title=escape(dataset.name), icon=":material/check_circle:",
    )  # fmt: skip
    for warning in dataset.details.get("warnings", []):
        st.warning(escape(str(warning), 400), icon=":material/warning:")
    with st.container(horizontal=True):
        if st.button("Train on it", type="primary", icon=":material/rocket_launch:"):
            st.switch_page(links.NEW_RUN, query_params={"data": dataset.id})
        if st.button("Look inside", icon=":material/search:"):
            st.switch_page(links.DATASET, query_params={"data": dataset.id})
        if st.button("Add more data", icon=":material/upload:"):
            st.switch_page(links.IMPORT)
    with card("result_samples"):
        samples_row(dataset, 8)
    if count:
        skipped_list(
            count, dataset.skipped, dict(dataset.details.get("skipped_kinds", {})),
            skipped_csv(dataset), dataset.name,
        )  # fmt: skip


def skipped_by_look(look: Look, name: str) -> None:
    """What a look at given data has left out so far."""
    count = sum(look.skipped_kinds.values())
    if count:
        rows = [(one["where"], one["reason"]) for one in look.skipped]
        table = as_csv(("where", "reason"), rows).encode("utf-8-sig")
        skipped_list(count, look.skipped, look.skipped_kinds, table, name)


def skipped_list(
    count: int, rows: list[dict[str, str]], kinds: dict[str, int], table: bytes, name: str
) -> None:
    """A card: how many of which kind, the first ones, and all of them as a file."""
    with card("skipped"):
        with st.container(horizontal=True, vertical_alignment="center"):
            words = plural(count, "row or file is", "rows or files are")
            st.markdown(f"#### {words} left out", width="stretch")
            st.download_button(
                "All of them as a table", table, f"left out of {name[:60]}.csv", "text/csv",
                icon=":material/download:",
            )  # fmt: skip
        with st.container(horizontal=True, gap="xsmall"):
            for kind, number in sorted(kinds.items(), key=lambda one: -one[1])[:MOST_KINDS]:
                st.badge(f"{number:,} × {escape(kind, 40)}", color="gray")
        shown = [{"Where": row["where"], "Why": row["reason"]} for row in rows]
        wide = {"Why": st.column_config.TextColumn(width="large")}
        st.dataframe(
            shown, hide_index=True, column_config=wide,
            alt="What was left out and why",
        )  # fmt: skip
