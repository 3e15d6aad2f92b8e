"""Taking a data set of the Hugging Face Hub: size and licence are shown before it is fetched."""

import streamlit as st

from backend.datasets import errands
from backend.datasets.formats import DataFormat
from backend.datasets.incoming.hub_sets import HubOffer
from pages.components.errand_progress import follow_errand
from pages.components.errors import told
from pages.components.layout import facts
from pages.components.wording import escape, megabytes
from pages.data.steps import go_on

MOST_MB = 500


def from_hub(data_format: DataFormat) -> None:
    """Ask for a name, show what the Hub has, and fetch a part of it."""
    fetching = st.query_params.get("hub")
    if fetching:
        _fetching(fetching[:200])
        return
    _ask()
    if "hub_offer" in st.session_state:
        _offer(st.session_state["hub_offer"])


def _ask() -> None:
    with st.form("hub", border=False):
        text = st.text_input(
            "Name of the data set", placeholder="stanfordnlp/imdb",
            help="As it stands on huggingface.co/datasets, or its whole address.",
        )  # fmt: skip
        asked = st.form_submit_button("Ask the Hub", icon=":material/search:")
    st.caption("This needs the internet. Nothing is fetched before you have seen what it is.")
    if asked:
        st.session_state.pop("hub_offer", None)
        with told("There is nothing to take"), st.spinner("Asking the Hub …"):
            st.session_state["hub_offer"] = errands.ask_hub(text)


def _offer(offer: HubOffer) -> None:
    configs = offer.configs
    st.markdown(f"#### {escape(offer.title, 80)}")
    config = next(iter(configs))
    if len(configs) > 1:
        config = st.selectbox("Part", list(configs), key="hub_config")
    splits = sorted({file.split for file in offer.files if file.config == config})
    size = configs[config] / 1e6
    facts({
        "Size": f"{megabytes(size)} to download",
        "Licence": escape(offer.licence, 100),
        "Downloads": f"{offer.downloads:,} in the last month",
        "Splits": escape(", ".join(splits), 100),
    })  # fmt: skip
    most = MOST_MB
    if size > MOST_MB:
        most = st.slider(
            "At most, in MB", 50, 2000, MOST_MB, 50,
            help="The first files of each split are taken until that size is reached.",
        )  # fmt: skip
    if st.button("Download", type="primary", icon=":material/cloud_download:", key="hub_take"):
        st.query_params["hub"] = errands.start_hub_download(offer, config, most).id
        st.rerun()


def _fetching(errand_id: str) -> None:
    """The download that the address names: how far it is, or on to what it brought."""
    given = None
    with told("The download failed"):
        errand = errands.find_errand(errand_id)
        if errand.is_running and not follow_errand(errand.id):
            return
        given = errands.hub_given(errand)
    errands.end_errand(errand_id)
    del st.query_params["hub"]
    if given is not None:
        go_on(given)
