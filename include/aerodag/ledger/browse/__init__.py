"""What a person who looks around asks of the ledger; every question says who asks, and answers what they may see."""

from aerodag.ledger.browse.datasets import (
    DatasetFacts,
    Item,
    Place,
    ProductFacts,
    RunFacts,
    find_dataset,
    list_datasets,
    products_of,
    runs_of,
)
from aerodag.ledger.browse.exposures import exposures
from aerodag.ledger.browse.files import (
    File,
    SeenDataset,
    SeenRun,
    current_file,
    file_of_run,
    find_file,
    find_run,
    seen_dataset,
)
from aerodag.ledger.browse.photos import Photo, find_photo, has_previews
from aerodag.ledger.browse.places import Box, Cluster, Footprint, MapView, look
from aerodag.ledger.browse.search import STATES, Search
from aerodag.ledger.browse.statistics import Statistics, statistics
from aerodag.ledger.browse.viewer import Viewer

__all__ = [
    "STATES",
    "Box",
    "Cluster",
    "DatasetFacts",
    "File",
    "Footprint",
    "Item",
    "MapView",
    "Photo",
    "Place",
    "ProductFacts",
    "RunFacts",
    "Search",
    "SeenDataset",
    "SeenRun",
    "Statistics",
    "Viewer",
    "current_file",
    "exposures",
    "file_of_run",
    "find_dataset",
    "find_file",
    "find_photo",
    "find_run",
    "has_previews",
    "list_datasets",
    "look",
    "products_of",
    "runs_of",
    "seen_dataset",
    "statistics",
]
