"""Workbooks, recordings and annotations, made by hand for the tests of the readers."""

import base64
import io
import json
import wave
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

Cell = str | float | bool | None

# A workbook of Excel 97, "Data": text 0 to 11 and the labels 0 and 1.
OLD_WORKBOOK = zlib.decompress(
    base64.b85decode(
        "c-rllO=uHA6vy9e_B)$2sj1KkB^0c+_Rv^A>Y<H_+LNVvv526l%|RMc2|1_-t=1j|!IR>p(2JL<7eCO0-aH5uJ"
        "qUu3=+Tp);Gxa>=4Ga4bq)<^QQ3dkw{PG4=Ivx>c4l{9EhQ`S_dBZalZGJzHQxcVA;xfX<Us<k-1oUF_cm^RsD"
        "Db1jU8zk@Fe!q;(f^by9yfI)1RXS_<-99I18iG#e8}lwV&FMW4sMRXc^qbNF3U!Rjp)Clifh}E|E{k?xn~zvO~"
        "yL*l}3Oj`j|UQ9Q17QCS>#-iK7@9Yr$G1~2$1zI2_{Sp)W!&g2SzXF;d#!2)2vjpU2@Qm#;e6n5YOeD%`+U*w("
        "oEFH$zH_ia#--2;V5x=4705jm9q5(b!9`xwEM27>pa&8$TaT=yP0_FU<vH?)YP2>w^{V?4xos4w0OJ_hjJEXHy"
        "I=iH^TRMZ%*<;Cs{i|Na<?}wx6N$h)5u^LZLpupA<R|GaO5jSceCPA)!xLlKlN6buwV}R(Z03I&e7MYOVC6WK#"
        "K>~Cm+UsOS19Wy@;k_;aO~s0d#p`3hh~YnN~PU+o&nOE?3M<<2mQHEM;>*~eavn}e{rOGA+`86I}csBqD^9b{+"
        "oq9*2iw$<a(TydnRU^_hj3DnR#q2A=>VXWwHfUz$G_HwtmE~4ih|6@Qiq#@uKEZdy=d9H3hE`9}#^0>YIX(DEJ"
        "8Ry5J*${JMhIi8lnV2l5*V-XPu-yb;K6DtME4OYmkOzop<U;%&iOf&8|Dw~2QIZwK-_3f>{!6}%J3?<#ng_^9C"
        "BK>nzLj}q?*J{rjHDR__gnBcwD{KHx+Jm3{^o%<mdLWK$yDpaUYq1GlQp1LFTmkfG}<4+lu_^z{pTP^%d^55zx"
        "OyjSNFQx~fi2D+pZ)*H(1cS+3Y>jo~_d>2?c=i%Z!34Eqs_F5I?`Ev=|E#%U;`iM`&7Qy3OgsPZ`M(1@%K2*"
    )
)


def workbook(
    path: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]], *, first_row: int = 1
) -> Path:
    """An .xlsx file; texts stand in the cells themselves, as some programs write them."""
    bodies = {
        name: "".join(_row(number, row) for number, row in enumerate(rows, first_row))
        for name, rows in sheets.items()
    }
    return raw_workbook(path, bodies)


def raw_workbook(path: Path, bodies: Mapping[str, str], **more: str) -> Path:
    """An .xlsx file whose sheets hold this XML; more: other members, by name."""
    kind = "http://schemas.openxmlformats.org/"
    main, office = kind + "spreadsheetml/2006/main", kind + "officeDocument/2006/relationships"
    package = kind + "package/2006/"
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in enumerate(bodies, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(bodies) + 1)
    )
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{sheets}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}relationships">{links}'
        "</Relationships>",
        **{
            f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{main}"><sheetData>{body}'
            "</sheetData></worksheet>"
            for n, body in enumerate(bodies.values(), 1)
        },
        **more,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def _row(number: int, cells: Sequence[Cell]) -> str:
    found = []
    for column, value in enumerate(cells):
        place = f"{_letters(column)}{number}"
        if isinstance(value, bool):
            found.append(f'<c r="{place}" t="b"><v>{int(value)}</v></c>')
        elif isinstance(value, str):
            text = f'<is><t xml:space="preserve">{escape(value)}</t></is>'
            found.append(f'<c r="{place}" t="inlineStr">{text}</c>')
        elif value is not None:
            found.append(f'<c r="{place}"><v>{value!r}</v></c>')
    return f'<row r="{number}">{"".join(found)}</row>'


def _letters(column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def open_document(path: Path, rows: Sequence[Sequence[Cell]]) -> Path:
    """An .ods file with one sheet, and the empty rows that LibreOffice writes behind it."""
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
            if isinstance(value, int | float)
            else f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}'
            "</text:p></table:table-cell>"
            for value in row
        )
        + "</table:table-row>"
        for row in rows
    )
    empty = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    content = (
        f'<office:document-content xmlns:office="{office}office:1.0" '
        f'xmlns:table="{office}table:1.0" xmlns:text="{office}text:1.0"><office:body>'
        "<office:spreadsheet>"
        f'<table:table table:name="Sheet1">{cells}{empty}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{office}manifest:1.0"/>',
        )
    return path


def tone(
    seconds: float = 0.5, rate: int = 16_000, pitch: float = 440.0, channels: int = 1
) -> bytes:
    """A WAV file of a sine, half as loud as it can be."""
    moments = np.arange(round(seconds * rate)) / rate
    samples = (np.sin(2 * np.pi * pitch * moments) * 16_000).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples, channels).tobytes())
    return buffer.getvalue()


def coco(
    boxes: Mapping[str, Sequence[tuple[str, float, float, float, float]]],
    size: tuple[int, int] | None = None,
    folder: str = "",
) -> bytes:
    """A COCO file: picture -> boxes as class, x, y, width, height."""
    names = sorted({name for each in boxes.values() for name, *_ in each})
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (file, each) in enumerate(boxes.items()):
        image: dict[str, Any] = {"id": number, "file_name": folder + file}
        if size:
            image |= {"width": size[0], "height": size[1]}
        images.append(image)
        annotations += [
            {
                "id": len(annotations) + place, "image_id": number, "bbox": list(box),
                "category_id": names.index(name) + 1, "iscrowd": 0,
                "segmentation": [[1.5] * 40],
            }
            for place, (name, *box) in enumerate(each)
        ]  # fmt: skip
    categories = [{"id": n + 1, "name": name, "supercategory": "x"} for n, name in enumerate(names)]
    record = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    return json.dumps(record).encode()


def voc(
    file: str,
    boxes: Sequence[tuple[str, float, float, float, float]],
    size: tuple[int, int] | None = None,
) -> bytes:
    """A Pascal VOC file: boxes as class, xmin, ymin, xmax, ymax."""
    things = "".join(
        f"<object><name>{escape(name)}</name><difficult>0</difficult><bndbox><xmin>{x1}</xmin>"
        f"<ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>"
        "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>"
        for name, x1, y1, x2, y2 in boxes
    )
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    return (
        f"<annotation><folder>x</folder><filename>{escape(file)}</filename>{sides}{things}"
        "</annotation>"
    ).encode()
