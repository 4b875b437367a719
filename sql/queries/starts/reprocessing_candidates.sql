-- What has to be known of every dataset of a time span to say whether it is to be processed again.
select
    dataset.id as dataset_id,
    dataset.name,
    aerodag.first_run_id(dataset) as first_run_id,
    dataset.upload_type,
    dataset.quarantined_at is not null as quarantined,
    runs.total as runs,
    runs.active,
    runs.failures,
    exists (
        select from aerodag.start_request
        where start_request.dataset_id = dataset.id
            and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
    ) as requested,
    exists (
        select from aerodag.artifact
        where artifact.dataset_id = dataset.id and artifact.kind = 'cog' and artifact.name = '' and artifact.is_current
    ) as has_product,
    newest.state,
    newest.failure_code,
    newest.failure_category,
    newest.pipeline_version,
    coalesce(newest.preset, 'standard') as preset,
    coalesce(newest.task_types, '{}') as task_types,
    coalesce(newest.options, '{}') as options,
    coalesce(newest.include_images, '{}') as include_images,
    coalesce(newest.exclude_images, '{}') as exclude_images,
    made.engine,
    made.engine_digest,
    made.pipeline_version as made_by_version
from aerodag.dataset
left join lateral (
    select
        count(*) as total,
        coalesce(bool_or(run.state in ('queued', 'running')), false) as active,
        count(*) filter (
            where run.state = 'failed'
                and run.attempt_at > coalesce((
                    select max(good.attempt_at)
                    from aerodag.run as good
                    where good.dataset_id = dataset.id and good.state in ('succeeded', 'degraded')
                ), '-infinity')
        ) as failures
    from aerodag.run
    where run.dataset_id = dataset.id
) as runs on true
left join lateral (
    select run.*
    from aerodag.run
    where run.dataset_id = dataset.id
    order by run.attempt_at desc, run.id desc
    limit 1
) as newest on true
left join lateral (
    select run.*
    from aerodag.artifact
    join aerodag.run on run.id = artifact.run_id
    where artifact.dataset_id = dataset.id and artifact.kind = 'orthophoto' and artifact.is_current
    limit 1
) as made on true
where dataset.archived_at is null
    and dataset.created_at >= %(uploaded_from)s
    and dataset.created_at < %(uploaded_to)s
order by dataset.priority desc, dataset.created_at, dataset.id
