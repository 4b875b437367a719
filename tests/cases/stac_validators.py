"""Three validators of STAC documents, all without a network.

pystac's takes every schema as the draft 7 that it is; stac-valid, the community's command-line validator, is code of
its own on the same schemas; stac-pydantic knows no schema at all, its rules are typed models of the core
specification.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pyproj.datadir import get_data_dir
from pystac.errors import STACValidationError
from pystac.stac_object import STACObjectType
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from stac_pydantic import Catalog, Collection, Item
from stac_validator.stac_validator import StacValidate

_CORE = Path(str(files("pystac.validation.jsonschemas")))
_EXTENSIONS = Path(__file__).parents[1] / "data" / "stac"
_ITEM_PARTS = ["bands", "basics", "common", "data-values", "datetime", "instrument", "item", "licensing", "provider"]
_TYPES = {
    "Feature": (STACObjectType.ITEM, Item),
    "Collection": (STACObjectType.COLLECTION, Collection),
    "Catalog": (STACObjectType.CATALOG, Catalog),
}


def _schema_files() -> dict[str, Path]:
    spec = "https://schemas.stacspec.org/v1.1.0"
    core = _CORE / "stac-spec" / "v1.1.0"
    found = {f"{spec}/item-spec/json-schema/{part}.json": core / f"{part}.json" for part in _ITEM_PARTS}
    for name in ("catalog", "collection"):
        found[f"{spec}/{name}-spec/json-schema/{name}.json"] = core / f"{name}.json"
    for name in ("Feature", "Geometry"):
        found[f"https://geojson.org/schema/{name}.json"] = _CORE / "geojson" / f"{name}.json"
    for path in _EXTENSIONS.glob("*.json"):
        name, _, version = path.stem.rpartition("-")
        found[f"https://stac-extensions.github.io/{name}/{version}/schema.json"] = path
    found["https://proj.org/schemas/v0.7/projjson.schema.json"] = Path(get_data_dir()) / "projjson.schema.json"
    return found


SCHEMAS = _schema_files()


def _pystac() -> JsonSchemaSTACValidator:
    validator = JsonSchemaSTACValidator()
    validator.schema_cache = {uri: json.loads(path.read_text()) for uri, path in SCHEMAS.items()}
    return validator


PYSTAC = _pystac()


def by_pystac(document: dict[str, Any]) -> str | None:
    """What pystac has against a document, None if nothing."""
    kind, _ = _TYPES[document["type"]]
    try:
        PYSTAC.validate(document, kind, "1.1.0", document.get("stac_extensions", []))
    except STACValidationError as error:
        return str(error)
    return None


def by_stac_valid(document: dict[str, Any]) -> str | None:
    """What stac-valid has against a document, None if nothing."""
    validator = StacValidate(schema_map={uri: str(path) for uri, path in SCHEMAS.items()})
    return None if validator.validate_dict(document) else str(validator.message)


def by_stac_pydantic(document: dict[str, Any]) -> str | None:
    """What stac-pydantic has against the core fields of a document, None if nothing."""
    _, model = _TYPES[document["type"]]
    try:
        model.model_validate(document)
    except ValidationError as error:
        return str(error)
    return None


def complaints(document: dict[str, Any]) -> list[str]:
    """All that any validator has against a document as it reads back from its JSON."""
    read_back = json.loads(json.dumps(document, allow_nan=False))
    found = (check(read_back) for check in (by_pystac, by_stac_valid, by_stac_pydantic))
    return [complaint for complaint in found if complaint is not None]
