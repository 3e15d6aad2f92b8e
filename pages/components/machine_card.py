"""The small card at the sidebar's foot: what this computer is and how busy it is."""

import streamlit as st

from backend.jobs.machine import machine_summary
from backend.runs import ACTIVE, RunStatus, list_runs
from pages.components.wording import escape, plural


def machine_card() -> None:
    """Graphics card or processor, cores, memory, and how many runs are training or waiting."""
    machine = machine_summary()
    cards = machine["graphics_cards"]
    runs = list_runs([*ACTIVE, RunStatus.QUEUED])
    active = sum(run.is_active for run in runs)
    busy = f"{plural(active, 'run')} training" if active else "No run training"
    if len(runs) > active:
        busy += f", {len(runs) - active} waiting"
    with st.container(border=True, key="machine", gap="xsmall"):
        name = escape(cards[0], 40) if cards else "Processor"
        icon = ":material/developer_board:" if cards else ":material/memory:"
        st.markdown(f"{icon} **{name}**")
        st.caption(
            f"{plural(machine['cores'], 'core')} · {machine['memory_gb']:.0f} GB memory  \n{busy}"
        )
        if machine["problem"]:
            st.caption(f":orange[:material/warning: {escape(machine['problem'], 300)}]")
        st.progress(
            machine["memory_used_share"],
            text=f":small[Memory in use: {machine['memory_used_share']:.0%}]",
        )
    st.caption(":material/lock: Everything stays on this computer.")
