"""Data sets: what a model can learn from on this computer, what can be downloaded."""

import streamlit as st

from backend import datasets
from backend.datasets import Dataset, DownloadOffer
from backend.tasks import Task, list_tasks
from pages.components import links
from pages.components.errand_progress import going_on
from pages.components.errors import told
from pages.components.layout import card, page_header
from pages.components.samples import known_datasets, samples_row, size_words
from pages.components.wording import escape, megabytes


def main() -> None:
    actions = page_header("Data sets", "What a model can learn from. Everything stays here.")
    if actions.button("Add your own data", icon=":material/upload:", type="primary"):
        st.switch_page(links.IMPORT)
    going_on()
    found = known_datasets()
    own = [dataset for dataset in found if not dataset.bundled]
    for title, group in (("Your own", own), ("Ready to use", [d for d in found if d.bundled])):
        if group:
            st.markdown(f"#### {title}")
            _cards(group)
    _downloads({dataset.name for dataset in found})


def _cards(group: list[Dataset]) -> None:
    tasks = {task.name: task for task in list_tasks()}
    grid = st.grid(3, min_column_width=280, gap="medium")
    for dataset in group:
        with grid, card(f"dataset_{dataset.id}", height="stretch", gap="small"):
            _card(dataset, tasks.get(dataset.task))


def _card(dataset: Dataset, task: Task | None) -> None:
    icon = f":material/{task.icon}: " if task else ""
    st.markdown(f"**{icon}{escape(str(dataset.details.get('title') or dataset.name), 60)}**")
    if dataset.details.get("description"):
        st.markdown(f":gray[{escape(str(dataset.details['description']), 200)}]")
    samples_row(dataset, 7)
    st.space("stretch")
    st.caption(f"{size_words(dataset)} · {megabytes(dataset.bytes / 2**20)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            links.DATASET, label="Look inside", icon=":material/search:", width="stretch",
            query_params={"data": dataset.id},
        )  # fmt: skip
        st.page_link(
            links.NEW_RUN, label="Train on it", icon=":material/rocket_launch:",
            query_params={"data": dataset.id},
        )  # fmt: skip


def _downloads(have: set[str]) -> None:
    offers = [offer for offer in datasets.list_downloads() if offer.name not in have]
    if not offers:
        return
    with st.expander(f"{len(offers)} more to download", icon=":material/download:"):
        st.caption("These need the internet once. Nothing is fetched before you press a button.")
        grid = st.grid(3, min_column_width=260, gap="medium")
        for offer in offers:
            with grid, card(f"offer_{offer.name}", height="stretch", gap="small"):
                _offer(offer)


def _offer(offer: DownloadOffer) -> None:
    st.markdown(f"**{escape(offer.title, 60)}**")
    st.markdown(f":gray[{escape(offer.description, 220)}]")
    with st.container(horizontal=True, gap="xsmall"):
        st.badge(f"{megabytes(offer.size_mb)} download", color="orange")
        st.badge(escape(offer.licence, 50), color="gray")
        st.badge("needs internet", color="gray")
    st.caption(f"From {escape(offer.source, 80)}")
    st.space("stretch")
    if st.button("Download", key=f"download_{offer.name}", icon=":material/download:"):
        with told("The download failed"):
            datasets.start_download(offer.name)
            st.rerun()


main()
