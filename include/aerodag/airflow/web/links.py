"""Ways from Airflow's own pages to those of this project; relative, for Airflow may be served below a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

_ICON: Final = "aerodag/static/icon.svg"
VIEWS: Final[list[dict[str, Any]]] = [
    {
        "name": "Datasets",
        "href": "aerodag/datasets",
        "destination": "nav",
        "nav_top_level": True,
        "url_route": "datasets",
        "icon": _ICON,
    },
    {
        "name": "Dataset",
        "href": "aerodag/datasets?run={RUN_ID}",
        "destination": "dag_run",
        "url_route": "dataset",
        "icon": _ICON,
    },
]


class DatasetLink(BaseOperatorLink):
    """From a task of ``process_dataset`` to the dataset of its run, inside Airflow's own frame."""

    name = "Dataset"

    @property
    def operators(self) -> list[type[BaseOperator]]:  # type: ignore[override]
        """Loaded when somebody looks at a DAG, for every process of Airflow loads the plugin."""
        from aerodag.airflow.operators.claim import ClaimOperator
        from aerodag.airflow.operators.odm import OdmOperator
        from aerodag.airflow.operators.review import ReviewOperator
        from aerodag.airflow.operators.step import StepOperator

        return [ClaimOperator, StepOperator, ReviewOperator, OdmOperator]

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The page of the run's dataset; ``operator`` does not matter."""
        return f"dags/{quote(ti_key.dag_id)}/runs/{quote(ti_key.run_id)}/plugin/{VIEWS[1]['url_route']}"
