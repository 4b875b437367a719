-- Figures over the datasets that a viewer sees; days are those of UTC. Runs that a person cancelled are left out of the
-- success rates.
with
    by_state as (
        select total.state, sum(total.datasets) as datasets, sum(total.images) as images, sum(total.area_m2) as area_m2
        from aerodag.dataset_total as total
        where total.datasets > 0 and (%(sees_all)s or total.audience in ('', %(viewer)s))
        group by total.state
    ),
    today as (
        select (now() at time zone 'utc')::date as day
    ),
    uploads as (
        select (summary.created_at at time zone 'utc')::date as day, count(*) as datasets
        from aerodag.dataset_summary as summary
        where summary.created_at >= now() - interval '31 days'
            and (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
        group by 1
    ),
    ends as materialized (
        select run.state, run.finished_at, run.dataset_id
        from aerodag.run
        where run.finished_at >= now() - interval '31 days'
            and run.state in ('succeeded', 'degraded', 'failed')
            -- Not "exists": PostgreSQL would look through all summaries rather than those of a month.
            and (
                %(sees_all)s
                or (
                    select summary.access <> 'private' or summary.owner = %(viewer)s
                    from aerodag.dataset_summary as summary
                    where summary.dataset_id = run.dataset_id
                )
            )
    ),
    finishes as (
        select (ends.finished_at at time zone 'utc')::date as day, count(distinct ends.dataset_id) as datasets
        from ends
        where ends.state <> 'failed'
        group by 1
    ),
    rates as (
        select
            avg((ends.state <> 'failed')::integer) filter (where ends.finished_at >= now() - interval '7 days') as week,
            avg((ends.state <> 'failed')::integer) filter (where ends.finished_at >= now() - interval '30 days') as month
        from ends
    )
select
    (select coalesce(sum(by_state.datasets), 0) from by_state)::bigint as datasets,
    (select coalesce(jsonb_object_agg(by_state.state, by_state.datasets), '{}') from by_state) as by_state,
    rates.week::double precision as success_rate_7d,
    rates.month::double precision as success_rate_30d,
    (
        select jsonb_agg(
            jsonb_build_object(
                'day', days.day::date, 'uploaded', coalesce(uploads.datasets, 0), 'finished', coalesce(finishes.datasets, 0)
            ) order by days.day
        )
        from generate_series(today.day - 29, today.day, interval '1 day') as days (day)
        left join uploads on uploads.day = days.day::date
        left join finishes on finishes.day = days.day::date
    ) as datasets_per_day,
    (select coalesce(sum(by_state.images), 0) from by_state)::bigint as images,
    (select coalesce(sum(by_state.area_m2), 0) from by_state)::double precision as area_m2,
    least(
        (
            select min(summary.created_at)
            from aerodag.dataset_summary as summary
            where summary.state = 'waiting'
                and summary.run_id is null
                and (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
        ),
        (
            select min(start_request.created_at)
            from aerodag.dataset_summary as summary
            join aerodag.start_request on start_request.dataset_id = summary.dataset_id
            where summary.state = 'waiting'
                and summary.run_id is not null
                and (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
                and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
        )
    ) as waiting_oldest_at
from today
cross join rates
