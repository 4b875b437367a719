select coalesce(
    (
        select case
            when run.state = 'failed' or run.state = 'cancelled'
                then format('[%%s] %%s %%s', run.failure_code, run.message, run.advice)
            else format('Dataset %%s (%%s): %%s.', dataset.id, dataset.name, run.state)
        end
        from aerodag.run
        join aerodag.dataset on dataset.id = run.dataset_id
        where run.dag_run_id = %(dag_run_id)s
    ),
    (
        select event.message
        from aerodag.event
        where event.kind = 'run.refused' and event.details ->> 'dag_run_id' = %(dag_run_id)s
        order by event.id desc
        limit 1
    )
)
