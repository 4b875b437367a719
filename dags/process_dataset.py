"""# Process dataset

One run turns one ZIP of drone images, or one GeoTIFF, into cloud-optimised GeoTIFFs, thumbnails and a STAC item.

**Steps.** claim → stage → validate → extract_metadata → assess_images → preflight → review → plan_engine →
odm → publish_ortho → standardise → cog → thumbnail, beside them indices and metadata → promote → stac → finish;
cleanup gives the scratch space back, whatever happened. A GeoTIFF starts at publish_ortho.

**Versions.** What a run makes becomes valid for the dataset in promote, all at once; until then, and if it fails,
the products of the run before stay. Clearing `promote` of an earlier run goes back to its products.

**Before the expensive step.** preflight writes a page with a map, every finding and a verdict: go, review or no-go.
Unless it is go, the run waits for a person under *Required Actions*, without a worker or a slot: accept, reject images
or abort. Without an answer in time, review goes on and no-go is aborted. The parameter `review` asks always or never.
Trigger again with `include_images` or `exclude_images` to overrule the checks.

**Parameters.** Name a registered `dataset_id` or a `source` in the incoming folder; `task_types` chooses what to make.

**The engine.** OpenDroneMap works in a container that outlives a restart of Airflow; the task waits for it without a
worker, and its output is the task's log. Marking or clearing the task stops the container. After 24 hours it is
stopped, and can be resumed.

**Queues.** With workers on several hosts, raster work and decoding go to the queue `heavy`, and what has to see the
engine's host to `odm`. Each step fetches what it needs from storage, which then lies on none of the hosts.

**On failure.** The run's note, the task's log and the ledger's `run` row say the same sentence: what is wrong and what
to do. Bad data and bad parameters are never retried; disk, network and database are; the engine once more for each
remedy, for example with fewer threads after it ran out of memory.

**To rerun.** Clear any task: each step checks its inputs, and does nothing when its result is already there.
"""

from itertools import combinations

from airflow.sdk import DAG, chain

from aerodag.airflow.defaults import (
    DEFAULT_ARGS,
    ENGINE_RETRIES,
    ENGINE_RETRY_DELAY,
    ENGINE_TIMEOUT,
    HEAVY_POOL,
    HEAVY_QUEUE,
    HEAVY_TIMEOUT,
    ODM_POOL,
    ODM_QUEUE,
    Tag,
)
from aerodag.airflow.operators.claim import ClaimOperator
from aerodag.airflow.operators.odm import OdmOperator
from aerodag.airflow.operators.review import ReviewOperator
from aerodag.airflow.operators.step import StepOperator
from aerodag.airflow.params import PROCESS_PARAMS

HEAVY = {"pool": HEAVY_POOL, "queue": HEAVY_QUEUE}

with DAG(
    dag_id="process_dataset",
    schedule=None,
    params=PROCESS_PARAMS,
    default_args=DEFAULT_ARGS,
    max_active_runs=128,  # nearly all of them wait for an engine, without a worker
    render_template_as_native_obj=True,
    dag_display_name="Process dataset",
    doc_md=__doc__,
    tags=[Tag.PROCESSING],
):
    claim = ClaimOperator(task_id="claim")
    stage = StepOperator(task_id="stage", trigger_rule="all_success")  # what Airflow asks for after a setup
    validate = StepOperator(task_id="validate")
    extract_metadata = StepOperator(task_id="extract_metadata")
    assess_images = StepOperator(task_id="assess_images", **HEAVY)
    # What the run will cost, and the engine's host, are looked at where the engine works.
    preflight = StepOperator(task_id="preflight", queue=ODM_QUEUE)
    # An answer that makes no sense is a try.
    review = ReviewOperator(task_id="review", retries=10, retry_delay=ENGINE_RETRY_DELAY)
    plan_engine = StepOperator(task_id="plan_engine", queue=ODM_QUEUE)
    odm = OdmOperator(
        task_id="odm",
        pool=ODM_POOL,
        queue=ODM_QUEUE,
        execution_timeout=ENGINE_TIMEOUT,
        retries=ENGINE_RETRIES,
        retry_delay=ENGINE_RETRY_DELAY,
    )
    publish_ortho = StepOperator(task_id="publish_ortho")
    standardise = StepOperator(task_id="standardise", **HEAVY, execution_timeout=HEAVY_TIMEOUT)
    cog = StepOperator(task_id="cog", **HEAVY, execution_timeout=HEAVY_TIMEOUT)
    thumbnail = StepOperator(task_id="thumbnail")
    indices = StepOperator(task_id="indices", **HEAVY, execution_timeout=HEAVY_TIMEOUT)
    metadata = StepOperator(task_id="metadata")
    stac = StepOperator(task_id="stac")
    promote = StepOperator(task_id="promote")
    finish = StepOperator(task_id="finish")
    cleanup = StepOperator(task_id="cleanup").as_teardown(setups=claim)

    chain(claim, stage, validate, extract_metadata, assess_images, preflight, review, plan_engine, odm, publish_ortho)
    # Claim skips at once what a run did not ask for, so each of these waits for all before it, whichever are skipped.
    for sequence in (
        (stage, publish_ortho, standardise, cog, thumbnail, promote),
        (stage, publish_ortho, standardise, cog, indices, promote),  # not beside cog: a run shall not fill the pool
        (stage, publish_ortho, metadata, promote),
    ):
        for earlier, later in combinations(sequence, 2):
            earlier >> later
    chain(promote, stac, finish, cleanup)
