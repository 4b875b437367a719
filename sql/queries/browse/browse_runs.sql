-- A dataset's runs, newest first.
select
    run.id as run_id,
    run.dag_run_id,
    run.state,
    run.preset,
    run.engine,
    run.task_types,
    run.include_images,
    run.exclude_images,
    run.started_at,
    run.finished_at,
    extract(epoch from run.finished_at - run.started_at)::double precision as duration_s,
    run.pipeline_version,
    run.failure_code as code,
    run.message,
    run.advice,
    exists (
        select from aerodag.artifact
        where artifact.run_id = run.id and artifact.kind = 'preflight' and artifact.removed_at is null
    ) as has_report
from aerodag.run
where run.dataset_id = %(dataset_id)s
order by run.attempt_at desc, run.id desc
limit %(limit)s
