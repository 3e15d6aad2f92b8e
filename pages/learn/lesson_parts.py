"""The first four parts of the lesson: picture, forward pass, loss, gradient."""

import math

import streamlit as st

from backend.charts import probabilities_figure
from backend.glossary import meaning
from backend.lesson_drawing import layers_svg
from backend.lessons import Lesson
from pages.components.layout import card
from pages.components.wording import escape, percent, plural

SURE = 0.95
NO_BAR = {"displayModeBar": False}


def named(lesson: Lesson, number: int) -> str:
    """A class in quotes."""
    return f"“{escape(lesson.classes[number], 40)}”"


def signed(number: float, digits: int) -> str:
    """With a minus sign that is as long as a plus."""
    return f"{number:.{digits}f}".replace("-", "−")


def shares_after(lesson: Lesson, after: int) -> dict[str, float]:
    """How likely it thinks each class is after so many corrections."""
    return dict(zip(lesson.classes, lesson.shares[after], strict=True))


def picture(lesson: Lesson) -> None:
    """What the network is given."""
    channels, height, width = lesson.pixels
    colours = ", each in red, green and blue" if channels == 3 else ""
    with card("lesson_picture"):
        st.markdown("#### 1 · A picture is numbers", anchors=False)
        st.markdown(
            f"To the network, the picture is {width} × {height} points{colours}: "
            f"**{channels * height * width:,} numbers**, one for how bright each point is. The "
            "network is numbers as well: "
            f"**{lesson.weights:,} weights**, which it has learnt."
        )


def forward(lesson: Lesson) -> None:
    """From the picture to an answer."""
    lit = sum(1 for value in lesson.hidden if value > 0)
    with card("lesson_forward"):
        st.markdown(
            "#### 2 · Forward: from the picture to an answer", anchors=False,
            help=meaning("Forward pass"),
        )  # fmt: skip
        left, right = st.columns([3, 2], gap="medium")
        with left:
            st.image(layers_svg(lesson), width="stretch", alt="The layers of the network")
        at, weight, unit = lesson.hidden[lesson.unit], lesson.weight, lesson.unit + 1
        score = lesson.scores[lesson.truth]
        right.markdown(
            f"Each of the {len(lesson.hidden)} points in the middle adds up all numbers of the "
            "picture, each times a weight of its own. What comes out below zero is set to zero: "
            f"for this picture **{lit} points light up**.\n\n"
            "Each class adds up the points in the middle in the same way. That is its score. "
            f"Point {unit}, the violet one, is at {at:.2f}; its weight to "
            f"{named(lesson, lesson.truth)} is {signed(weight, 3)}. So it adds "
            f"{at:.2f} × {signed(weight, 3)} = **{signed(at * weight, 2)}**. All others together "
            f"add {signed(score - at * weight, 2)}: the score is **{signed(score, 2)}**.\n\n"
            "Last, the scores of all classes are turned into shares of 100 %: the higher the "
            "score, the larger the share."
        )
        st.plotly_chart(
            probabilities_figure(shares_after(lesson, 0)), config=NO_BAR, key="lesson_before",
            alt=f"It answers {lesson.classes[lesson.answer]}",
        )  # fmt: skip


def loss(lesson: Lesson) -> None:
    """How wrong it was."""
    share, truth = lesson.shares[0][lesson.truth], named(lesson, lesson.truth)
    with card("lesson_loss"):
        st.markdown("#### 3 · Loss: how wrong it is", anchors=False, help=meaning("Loss"))
        right = lesson.answer == lesson.truth
        st.markdown(
            f"It says {named(lesson, lesson.answer)}"
            + (", which is right" if right else f", but it is {truth}")
            + f". It gave {truth} **{percent(share)}**. The loss makes one number of that: "
            f"**{lesson.losses[0]:.3f}**. At 100 % it would be 0; somebody who only guesses among "
            f"{plural(len(lesson.classes), 'class', 'classes')} has "
            f"{math.log(len(lesson.classes)):.2f}; the less it trusts in the right answer, the "
            "higher it gets."
        )
        if share > SURE:
            st.info(
                "It is quite sure of the right answer already, so there is little to correct. "
                "Choose a harder example, or tell it something else.", icon=":material/lightbulb:",
            )  # fmt: skip


def backward(lesson: Lesson) -> None:
    """Which way each weight should go, shown on one of them."""
    up = lesson.nudged_loss > lesson.losses[0]
    with card("lesson_gradient"):
        st.markdown("#### 4 · Gradient: which way is better", anchors=False,
                    help=meaning("Gradient"))  # fmt: skip
        st.markdown(
            f"Take one weight, the violet line: it is {signed(lesson.weight, 4)}. If it were "
            f"{lesson.nudge:g} larger, the loss would be {lesson.nudged_loss:.4f} instead of "
            f"{lesson.losses[0]:.4f}: **{'worse' if up else 'better'}**. So it should become "
            f"{'smaller' if up else 'larger'}.\n\n"
            "How strongly the loss goes along is called the gradient of this weight: here "
            f"**{signed(lesson.gradient, 3)}**. Nobody tries this out weight by weight: "
            f"going backwards through the layers, those of all {lesson.weights:,} weights are "
            "found at once."
        )
