-- What the pre-flight predicts for the engine comes first, then what earlier runs of the kind took. Time in which a
-- person was asked does not count.
select *
from (
    select
        run.id,
        run.dataset_id,
        run.dag_run_id,
        extract(epoch from %(now)s::timestamptz - run.attempt_at)::double precision - coalesce(asked.seconds, 0) as seconds,
        least(
            (run.preflight #>> '{prediction,seconds,high}')::double precision + %(other_steps_s)s,
            past.seconds * %(margin)s + %(other_steps_s)s,
            %(default_s)s
        ) as expected_s,
        case
            when run.preflight #>> '{prediction,seconds,high}' is not null then 'prediction'
            when past.seconds is not null then 'history'
            else 'default'
        end as basis
    from aerodag.run
    join aerodag.dataset on dataset.id = run.dataset_id
    left join lateral (
        select max(extract(epoch from newest.finished_at - newest.attempt_at))::double precision as seconds
        from (
            select other.finished_at, other.attempt_at
            from aerodag.run as other
            join aerodag.dataset as like_it on like_it.id = other.dataset_id
            where other.state in ('succeeded', 'degraded')
                and other.preset = run.preset
                and other.task_types = run.task_types
                and like_it.upload_type = dataset.upload_type
                and other.finished_at > %(now)s::timestamptz - interval '90 days'
            order by other.finished_at desc
            limit 20
        ) as newest
    ) as past on run.preflight #>> '{prediction,seconds,high}' is null
    left join lateral (
        select extract(epoch from sum(coalesce(review.answered_at, %(now)s::timestamptz) - review.asked_at))::double precision as seconds
        from aerodag.review
        where review.run_id = run.id and review.asked_at >= run.attempt_at
    ) as asked on true
    where run.state in ('queued', 'running')
        and run.attempt_at < %(now)s::timestamptz - make_interval(secs => %(other_steps_s)s)
        and not exists (select from aerodag.event where event.run_id = run.id and event.kind = 'run.late')
) as candidate
where seconds > expected_s
order by id
