"""What is looked at, kept in the page's address so that a link shows the same to others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from backend.comparing.curves import AXES, MOST_SMOOTHING

STATE = "compare_asked"
RUNS, AXIS, SMOOTHING, LOG, METRICS = (
    "compare_runs", "compare_axis", "compare_smoothing", "compare_log", "compare_metrics",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """The chosen runs, curves and axes; no metrics means those to look at first."""

    runs: tuple[int, ...]
    axis: str = "step"
    smoothing: float = 0.0
    log: bool = False
    metrics: tuple[str, ...] = ()

    def address(self) -> dict[str, str]:
        """What stands behind the question mark; what is as usual is left out."""
        words = {
            "runs": ",".join(map(str, self.runs)),
            "x": self.axis if self.axis != "step" else "",
            "smooth": f"{self.smoothing:g}" if self.smoothing else "",
            "log": "1" if self.log else "",
            "curves": ",".join(self.metrics),
        }
        return {name: word for name, word in words.items() if word}


def read_view(known: Iterable[int]) -> View:
    """What the address asks for, put into the widgets' state once per address."""
    asked = st.query_params.to_dict()
    view = parse(asked, set(known))
    state = st.session_state
    if state.get(STATE) != asked or RUNS not in state:
        state[STATE] = asked
        state[RUNS] = [str(number) for number in view.runs]
        state[AXIS], state[SMOOTHING], state[LOG] = view.axis, view.smoothing, view.log
    return view


def parse(asked: Mapping[str, Any], known: set[int]) -> View:
    """The view that an address asks for; what makes no sense in it is passed over."""
    words = [word for word in str(asked.get("runs", "")).split(",") if word.isascii()]
    numbers = [int(word) for word in words if word.isdigit() and len(word) < 13]
    axis = str(asked.get("x", "step"))
    try:
        smoothing = float(asked.get("smooth", 0.0))
    except ValueError:
        smoothing = 0.0
    return View(
        runs=tuple(dict.fromkeys(number for number in numbers if number in known)),
        axis=axis if axis in AXES else "step",
        smoothing=smoothing if 0.0 <= smoothing <= MOST_SMOOTHING else 0.0,
        log=asked.get("log") == "1",
        metrics=tuple(name for name in str(asked.get("curves", "")).split(",") if name),
    )


def write_view(view: View) -> None:
    """Put what is looked at now into the address."""
    address = view.address()
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)
    st.session_state[STATE] = address
