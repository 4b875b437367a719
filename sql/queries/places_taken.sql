select
    (select count(*) from aerodag.run where state in ('queued', 'running'))
    + (
        select count(*) from aerodag.dataset
        where start_asked_at >= now() - interval '1 minute'
            and archived_at is null
            and not exists (select from aerodag.run where run.dataset_id = dataset.id)
    )
