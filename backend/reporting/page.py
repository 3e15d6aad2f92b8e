"""The report's page from top to bottom: head, sections in their order, foot."""

import time

from backend.live import describe
from backend.reporting.parts import fact_table, section, text
from backend.reporting.results import class_section, scores_section, summary
from backend.reporting.story import curves_section, events_section, findings_section
from backend.reporting.style import STYLE
from backend.reporting.what import data_facts, machine_facts, model_facts, settings_tables
from backend.runs import Run, run_seconds
from backend.wording import duration

# Nothing may be loaded or run, whatever the data says.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(run: Run) -> str:
    """One HTML document; every name, text and message in it is escaped."""
    name = text(run.name)
    main = "".join(
        [
            f"<header><p class=kind>Report of a training</p><h1>{name}</h1>",
            f"<p class=status>{text(describe(run))}</p>{summary(run)}</header>",
            scores_section(run),
            class_section(run),
            findings_section(run),
            curves_section(run),
            section("Data", fact_table(data_facts(run))),
            section("Model", fact_table(model_facts(run))),
            section("Settings", settings_tables(run)),
            section("Computed on", fact_table(machine_facts(run))),
            events_section(run),
        ]
    )
    spent = f", {duration(run_seconds(run))} of training" if run.started_at else ""
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{name}</title>'
        f"<style>{STYLE}</style></head><body><main>{main}"
        f"<footer>Run {run.id}{spent}. Written by Trainroom on {written}. This page loads nothing "
        "from the internet.</footer></main></body></html>\n"
    )
