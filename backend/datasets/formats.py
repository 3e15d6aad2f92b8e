"""What a data set can hold: one record per format; tasks name the formats that they learn from."""

from dataclasses import dataclass
from typing import Literal

from backend.errors import NotFoundError

ItemKind = Literal["text", "image", "audio", "rating"]
TargetKind = Literal["class", "text", "boxes", "none"]
Looks = Literal["long", "few", "name", "number", "file", "split"]
"""What the cells of a column look like: long texts, few different values, names, numbers, files."""

TEXT_NAMES = (
    "text", "sentence", "content", "message", "review", "comment", "body", "tweet", "question",
    "utterance", "description", "headline", "title", "input", "prompt",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "class", "category", "target", "sentiment", "topic", "intent", "emotion",
    "language", "lang", "tag", "genre", "type", "answer", "output", "y",
)  # fmt: skip
SOURCE_NAMES = ("source", "src", "original", "from", "input", "text", "article", "document", "en")
TARGET_NAMES = (
    "target", "tgt", "translation", "to", "output", "summary", "highlights", "label", "de", "fr",
)  # fmt: skip
USER_NAMES = ("user", "user_id", "userid", "customer", "customer_id", "reader", "member", "person")
ITEM_NAMES = (
    "item", "item_id", "itemid", "title", "movie", "movie_id", "movieid", "book", "isbn", "product",
    "product_id", "song", "game", "article",
)  # fmt: skip
RATING_NAMES = ("rating", "stars", "score", "value", "likes", "plays", "count")
FILE_NAMES = (
    "file", "file_name", "filename", "filepath", "file_path", "path", "image", "img", "picture",
    "photo", "image_path", "image_name", "image_id", "audio", "sound", "recording", "clip", "wav",
    "name", "id",
)  # fmt: skip
SPLIT_NAMES = ("split", "set", "subset", "partition", "fold", "part", "usage")

PICTURES = ("png", "jpg", "jpeg", "jfif", "webp", "bmp", "gif", "tif", "tiff")
SOUNDS = ("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff")
TEXTS = ("txt", "md")
TABLES = ("csv", "tsv", "jsonl", "ndjson", "json", "parquet", "xlsx", "xlsm", "xls", "ods")
"""Endings of the files that can be read, by what is in them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a table must have: its role, what a form calls it, headers it goes by."""

    role: str
    title: str
    names: tuple[str, ...]
    looks: Looks
    optional: bool = False


SPLIT = Column("split", "The column with the split", SPLIT_NAMES, "split", optional=True)
"""What any table may have: which examples are for training, for checking, for the last test."""


@dataclass(frozen=True, slots=True)
class DataFormat:
    """One kind of data: what an example is, what is to be found out about it, how it is brought.

    item: what one example is made of. target: what belongs to it. unit: what people call one
    example. how: a sentence for the form that takes files. extensions: of files that the form
    accepts. columns: those of a table, where a table is one of the ways.
    """

    name: str
    title: str
    item: ItemKind
    target: TargetKind
    unit: str
    how: str
    extensions: tuple[str, ...]
    columns: tuple[Column, ...] = ()

    @property
    def roles(self) -> tuple[Column, ...]:
        """Everything that a column of its tables can be."""
        return (*self.columns, SPLIT) if self.columns else ()

    @property
    def is_files(self) -> bool:
        """Whether an example is a file of its own, which a table can only name (or contain)."""
        return self.item in ("image", "audio")


FORMATS: tuple[DataFormat, ...] = (
    DataFormat(
        "text-class", "Texts with labels", "text", "class", "text",
        "A table with one column of texts and one of labels, or text files in one folder per "
        "class.",
        (*TABLES, *TEXTS, "zip"),
        (
            Column("text", "The column with the texts", TEXT_NAMES, "long"),
            Column("label", "The column with the labels", LABEL_NAMES, "few"),
        ),
    ),
    DataFormat(
        "image-class", "Pictures in classes", "image", "class", "picture",
        "Pictures in one folder per class, or with a table that names each picture and its class.",
        ("zip", *PICTURES, *TABLES),
        (
            Column("file", "The column with the pictures", FILE_NAMES, "file"),
            Column("label", "The column with the classes", LABEL_NAMES, "few"),
        ),
    ),
    DataFormat(
        "image-boxes", "Pictures with boxes", "image", "boxes", "picture",
        "Pictures and where things are in them, as COCO, YOLO or Pascal VOC.",
        ("zip", *PICTURES, "json", "xml", "txt", "yaml", "yml", "names"),
    ),
    DataFormat(
        "text-pair", "Pairs of texts", "text", "text", "pair",
        "A table with two columns: what goes in, and what should come out.",
        (*TABLES, "txt", "zip"),
        (
            Column("source", "The column with what goes in", SOURCE_NAMES, "long"),
            Column("target", "The column with what should come out", TARGET_NAMES, "long"),
        ),
    ),
    DataFormat(
        "text", "Plain texts", "text", "none", "text",
        "Text files of any length, or a table with a column of texts.",
        (*TEXTS, *TABLES, "zip"),
        (Column("text", "The column with the texts", TEXT_NAMES, "long"),),
    ),
    DataFormat(
        "audio-class", "Recordings in classes", "audio", "class", "recording",
        "Recordings in one folder per class, or with a table that names each one and its class.",
        ("zip", *SOUNDS, *TABLES),
        (
            Column("file", "The column with the recordings", FILE_NAMES, "file"),
            Column("label", "The column with the classes", LABEL_NAMES, "few"),
        ),
    ),
    DataFormat(
        "rating", "Ratings", "rating", "none", "rating",
        "A table with a column of people, one of things, and, if there is one, one of ratings.",
        (*TABLES, "txt", "zip"),
        (
            Column("user", "The column with the people", USER_NAMES, "name"),
            Column("item", "The column with the things", ITEM_NAMES, "name"),
            Column("rating", "The column with the ratings", RATING_NAMES, "number", optional=True),
        ),
    ),
)  # fmt: skip


def get_format(name: str) -> DataFormat:
    """A format by name; raises NotFoundError that lists the known ones."""
    for found in FORMATS:
        if found.name == name:
            return found
    known = ", ".join(found.name for found in FORMATS)
    raise NotFoundError(f"There is no data format called {name!r}. Known: {known}.")
