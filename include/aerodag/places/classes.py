"""Names of the classes of a thematic raster: attribute table or category names.

GDAL keeps both in a file beside the raster (``.aux.xml``, PAM), ArcGIS the table in another (``.vat.dbf``); rasterio
reads neither, and a colour table has no names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from aerodag.places.answers import plain, unknown_field, unreadable
from aerodag.settings import Layer

# Usage of a column in GDAL's raster attribute tables.
_NAME, _MIN, _MAX, _BOTH = "2", "3", "4", "5"
_VALUE_NAMES = ("value", "gridcode")


@dataclass(frozen=True, slots=True)
class _Classes:
    """Rows of an attribute table: each covers the numbers from its low to its high end."""

    fields: list[str]
    lows: list[float]
    highs: list[float]
    rows: list[list[Any]]
    name_field: str | None

    def row_of(self, code: float) -> list[Any] | None:
        spans = zip(self.lows, self.highs, self.rows, strict=True)
        return next((row for low, high, row in spans if low <= code <= high), None)


def class_name(layer: Layer, code: float) -> Any:
    """The name of a pixel's class, or the attribute ``layer.field``; None where the raster names none.

    Raises:
        ConfigError: ``places.layer_field``, ``places.layer_unreadable``.
    """
    table = _pam(layer) or _arcgis(layer)
    if table is None:
        if layer.field is not None:
            raise unknown_field(layer, [])
        return None
    wanted = layer.field or table.name_field
    if wanted is None:
        return None
    if wanted not in table.fields:
        raise unknown_field(layer, table.fields)
    row = table.row_of(code)
    return None if row is None else row[table.fields.index(wanted)] or None


def _pam(layer: Layer) -> _Classes | None:
    path = layer.path.with_name(layer.path.name + ".aux.xml")
    if not path.is_file():
        return None
    try:
        root = parse(path).getroot()
    except (ParseError, DefusedXmlException) as error:
        raise unreadable(layer, error) from error
    band = root.find("PAMRasterBand[@band='1']")
    if band is None:
        return None
    table = band.find("GDALRasterAttributeTable")
    names = band.find("CategoryNames")
    if table is not None:
        return _attribute_table(table)
    return None if names is None else _categories(names)


def _categories(names: Element) -> _Classes:
    """Category names count from 0."""
    codes = [float(number) for number in range(len(names))]
    return _Classes(["name"], codes, codes, [[entry.text] for entry in names], "name")


def _attribute_table(table: Element) -> _Classes | None:
    columns = table.findall("FieldDefn")
    fields = [column.findtext("Name") or "" for column in columns]
    by_usage = {column.findtext("Usage"): index for index, column in enumerate(columns)}
    by_name = next((index for index, name in enumerate(fields) if name.lower() in _VALUE_NAMES), None)
    both = by_usage.get(_BOTH, by_name)
    low, high = by_usage.get(_MIN, both), by_usage.get(_MAX, both)
    if low is None or high is None:
        return None
    rows = [[cell.text for cell in row.findall("F")] for row in table.findall("Row")]
    named = by_usage.get(_NAME)
    ends = [[_number(row[index]) for row in rows] for index in (low, high)]
    return _Classes(fields, ends[0], ends[1], list(rows), None if named is None else fields[named])


def _arcgis(layer: Layer) -> _Classes | None:
    path = layer.path.with_name(layer.path.name + ".vat.dbf")
    return _dbf(path) if path.is_file() else None


def _dbf(path: Path) -> _Classes | None:
    from pyogrio import raw

    meta, _, _, columns = raw.read(path, read_geometry=False)
    fields = [str(name) for name in meta["fields"]]
    value = next((index for index, name in enumerate(fields) if name.lower() in _VALUE_NAMES), None)
    if value is None:
        return None
    rows = [[plain(cell) for cell in row] for row in zip(*columns, strict=True)]
    codes = [_number(row[value]) for row in rows]
    texts = [name for name, column in zip(fields, columns, strict=True) if column.dtype == object]
    return _Classes(fields, codes, codes, rows, texts[0] if texts else None)


def _number(cell: Any) -> float:
    """NaN, which no code equals, where the cell is empty or text."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")
