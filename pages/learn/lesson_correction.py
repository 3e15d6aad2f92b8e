"""The last part of the lesson: one correction of all weights, and what many in a row do."""

import numpy as np
import streamlit as st

from backend.charts import curves_figure, probabilities_figure
from backend.glossary import meaning
from backend.lessons import Lesson
from backend.runs import Run
from pages.components.layout import card
from pages.components.wording import percent, plural
from pages.learn.lesson_parts import NO_BAR, named, shares_after, signed


def correction(lesson: Lesson, run: Run) -> None:
    """One correction of all weights, and what many in a row do."""
    with card("lesson_update"):
        st.markdown("#### 5 · A small correction", anchors=False, help=meaning("Learning rate"))
        st.markdown(
            "Every weight moves a little against its gradient; how much is the learning rate:\n\n"
            f"new weight = {signed(lesson.weight, 4)} − {lesson.rate:g} × "
            f"({signed(lesson.gradient, 3)}) = **{signed(lesson.weight_after, 4)}**"
        )
        most = len(lesson.losses) - 1
        after = st.slider("Corrections", 1, most, 1, key="lesson_after",
                          help="Again and again with the same example.")  # fmt: skip
        before, now = (lesson.shares[place][lesson.truth] for place in (0, after))
        truth = named(lesson, lesson.truth)
        better = "fell" if lesson.losses[after] < lesson.losses[0] else "rose"
        st.markdown(
            f"After {plural(after, 'correction')} of all weights it gives {truth} "
            f"**{percent(now)}** instead of {percent(before)}; the loss {better} from "
            f"{lesson.losses[0]:.3f} to **{lesson.losses[after]:.3f}**."
        )
        if better == "rose":
            st.warning(
                "The corrections were too large: it jumped over the goal. That is what too high a "
                "learning rate does to a whole training.", icon=":material/warning:",
            )  # fmt: skip
        _charts(lesson, after)
        st.caption(
            f"That is all. The training of this network did so {run.total_steps:,} times, each "
            f"time for {run.config.get('batch_size', 1)} examples at once, so that what helps one "
            "does not harm the others. Your trained network was not changed here: a copy was."
        )


def _charts(lesson: Lesson, after: int) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**Its answer after {plural(after, 'correction')}**")
        st.plotly_chart(
            probabilities_figure(shares_after(lesson, after)), config=NO_BAR,
            key="lesson_after_chart", alt="Probabilities after the corrections",
        )  # fmt: skip
    with right:
        st.markdown("**The loss, correction by correction**")
        x = np.arange(float(len(lesson.losses)))
        st.plotly_chart(
            curves_figure([("Loss", x, np.array(lesson.losses))], x_title="Correction"),
            config=NO_BAR, key="lesson_losses", alt="The loss after each correction",
        )  # fmt: skip
