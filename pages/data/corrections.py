"""The controls that correct what was understood; what they say becomes Choices."""

from dataclasses import replace
from typing import Any

import streamlit as st

from backend.datasets.encodings import ENCODINGS, name_encoding
from backend.datasets.formats import DataFormat
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.look import Look
from backend.datasets.readers.delimited import SEPARATORS
from backend.datasets.readers.placing import BY_NAME
from backend.datasets.readers.plain_texts import CUTS
from backend.datasets.readers.recognise import FORMS

NONE = "\0none"
SAME = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}


def correct(look: Look, data_format: DataFormat, choices: Choices, key: str) -> Choices:
    """Draw what can be corrected, set to what is so now; the choices as they are then."""
    if look.table:
        choices = _columns(look, data_format, choices, key)
    with st.container(horizontal=True, gap="medium", key=f"corrections_{key}"):
        if look.levels:
            choices = replace(choices, level=_level(look, key))
        if look.cut:
            choices = replace(choices, cut=_pick("An example is", CUTS, look.cut, key, "cut"))
        if look.table:
            choices = _table(look.table, choices, key)
        if look.split_by or not choices.keep_splits:
            choices = replace(choices, keep_splits=_splits(look, choices, key))
        if len(look.forms) > 1:
            others = {form: FORMS[form] for form in {look.form: "", **dict.fromkeys(look.forms)}}
            form = _pick("How it is meant", others, look.form, key, "form")
            if form != look.form:
                choices = replace(choices, form=form, columns={}, level=None)
    return choices


def _pick(label: str, options: dict[str, str], now: str, key: str, name: str) -> str:
    names = list(options)
    return st.selectbox(
        label, names, names.index(now) if now in names else 0, key=f"{name}_{key}_{now}",
        format_func=options.__getitem__, width=300,
    )  # fmt: skip


def _columns(look: Look, data_format: DataFormat, choices: Choices, key: str) -> Choices:
    """One list of the columns for each role; optional roles may have none."""
    columns, roles = look.table["columns"], look.table["roles"]
    found: dict[str, str] = {}
    slots = st.columns(len(data_format.roles))
    for slot, role in zip(slots, data_format.roles, strict=True):
        options = [NONE, *columns] if role.optional else list(columns)
        now = roles.get(role.role, NONE)
        chosen = slot.selectbox(
            role.title, options, options.index(now) if now in options else 0,
            key=f"column_{role.role}_{key}_{now}",
            format_func=lambda name: "none" if name == NONE else name,
        )  # fmt: skip
        if chosen != now or role.role in choices.columns:
            found[role.role] = "" if chosen == NONE else chosen
    return replace(choices, columns=found)


def _table(table: dict[str, Any], choices: Choices, key: str) -> Choices:
    """Encoding, separator, header and sheet, as far as a table has them."""
    if table["encoding"]:
        now = SAME.get(table["encoding"], table["encoding"])
        options = {now: name_encoding(now), **ENCODINGS}
        chosen = _pick("Written in", options, now, key, "encoding")
        if chosen != now:
            choices = replace(choices, encoding=chosen, columns={})
    if table["separator"] in SEPARATORS:
        now = table["separator"]
        chosen = _pick("Cells are separated by", SEPARATORS, now, key, "separator")
        if chosen != now:
            choices = replace(choices, separator=chosen, columns={})
    if len(table["sheets"]) > 1:
        options = {name: name for name in table["sheets"]}
        chosen = _pick("Sheet", options, table["sheet"], key, "sheet")
        if chosen != table["sheet"]:
            choices = replace(choices, sheet=chosen, columns={})
    if table["header"] is not None:
        now = bool(table["header"])
        header = st.checkbox(
            "The first row has the names of the columns", now, key=f"header_{key}_{now}"
        )
        if header != now:
            choices = replace(choices, header=header, columns={})
    return choices


def _level(look: Look, key: str) -> int | None:
    """Which folders are the classes, where there are several that could be."""
    names = {level["depth"]: level["names"] for level in look.levels}
    if len(names) < 2:
        return look.level
    options = {
        str(depth): ("Beginnings of the names: " if depth == BY_NAME else "Folders: ")
        + ", ".join(shown[:4])
        for depth, shown in names.items()
    }
    return int(_pick("The classes are", options, str(look.level), key, "level"))


def _splits(look: Look, choices: Choices, key: str) -> bool:
    return st.checkbox(
        "Keep its training, validation and test parts",
        choices.keep_splits, key=f"splits_{key}",
    )  # fmt: skip


def read_differently(data_format: DataFormat, choices: Choices, key: str) -> Choices:
    """What can be tried where nothing was understood; the choices as they are then."""
    if choices != Choices() and st.button("Take my corrections back", icon=":material/undo:"):
        return Choices()
    if not data_format.columns:
        return choices
    with st.expander("Read the table differently", icon=":material/tune:"):
        options = {"": "found out by itself", **ENCODINGS}
        encoding = _pick("Written in", options, choices.encoding, key, "other_encoding")
        options = {"": "found out by itself", **SEPARATORS}
        separator = _pick("Cells are separated by", options, choices.separator, key, "other_sep")
    return replace(choices, encoding=encoding, separator=separator)
