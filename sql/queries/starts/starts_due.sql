-- First runs of new datasets and further runs that somebody requested, as far as there are places: of its kind of
-- upload, as many runs as there are places may be as urgent as it or more, those under way and those before it.
-- A run that waits for a person takes no place. What led to no run is offered again, each time after four times as long.
with
    active as (
        select dataset.upload_type, run.priority
        from aerodag.run
        join aerodag.dataset on dataset.id = run.dataset_id
        where run.state in ('queued', 'running')
            and not exists (select from aerodag.waiting_review where waiting_review.run_id = run.id)
        union all
        select dataset.upload_type, dataset.priority
        from aerodag.dataset
        where dataset.start_asked_at >= now() - interval '1 minute'
            and dataset.archived_at is null
            and dataset.first_run_at is null
        union all
        select dataset.upload_type, start_request.priority
        from aerodag.start_request
        join aerodag.dataset on dataset.id = start_request.dataset_id
        where start_request.asked_at >= now() - interval '1 minute'
            and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
    ),
    -- Of each kind, no more than the places are looked at. The run's id is a function of the content, so that two
    -- starters meet in one run.
    first_runs as (
        select next.*
        from unnest(array['raw_images_zip', 'geotiff', 'video']) as kind (name)
        cross join lateral (
            select
                dataset.id as dataset_id,
                null::bigint as request_id,
                dataset.upload_type,
                dataset.priority,
                dataset.created_at,
                aerodag.first_run_id(dataset) as dag_run_id,
                jsonb_build_object('dataset_id', dataset.id, 'priority', dataset.priority) as conf
            from aerodag.dataset
            where dataset.archived_at is null
                and dataset.quarantined_at is null
                and dataset.first_run_at is null
                and dataset.upload_type = kind.name
                and dataset.start_asks < %(most_asks)s
                and coalesce(
                    dataset.start_asked_at < now() - interval '1 minute' * power(4, dataset.start_asks - 1), true
                )
            order by dataset.priority desc, dataset.created_at, dataset.id
            limit %(places)s
        ) as next
    ),
    waiting as (
        select * from first_runs
        union all
        select
            start_request.dataset_id,
            start_request.id,
            dataset.upload_type,
            start_request.priority,
            start_request.created_at,
            start_request.dag_run_id,
            start_request.conf
        from aerodag.start_request
        join aerodag.dataset on dataset.id = start_request.dataset_id
        where dataset.archived_at is null
            and start_request.asked < %(most_asks)s
            and coalesce(
                start_request.asked_at < now() - interval '1 minute' * power(4, start_request.asked - 1), true
            )
            and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
            and not exists (
                select from aerodag.run
                where run.dataset_id = start_request.dataset_id and run.state in ('queued', 'running')
            )
    ),
    ranked as (
        select
            waiting.*,
            row_number() over (partition by upload_type order by priority desc, created_at, dataset_id) as place
        from waiting
    )
select dataset_id, request_id, dag_run_id, conf
from ranked
where place <= %(places)s
    and place + (
        select count(*) from active
        where active.upload_type = ranked.upload_type and active.priority >= ranked.priority
    ) <= %(places)s
order by priority desc, created_at, dataset_id
