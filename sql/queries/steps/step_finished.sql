insert into aerodag.step as present (
    run_id, name, map_index, try_number, state, host, started_at, finished_at,
    failure_code, failure_category, message, advice
)
select
    run.id, %(name)s, %(map_index)s, %(try_number)s, %(state)s, %(host)s, %(started_at)s, %(finished_at)s,
    %(code)s, %(category)s, %(message)s, %(advice)s
from aerodag.run
where run.dag_run_id = %(dag_run_id)s
on conflict (run_id, name, map_index, try_number) do update set
    state = excluded.state,
    host = coalesce(excluded.host, present.host),
    started_at = least(present.started_at, excluded.started_at),
    finished_at = excluded.finished_at,
    failure_code = excluded.failure_code,
    failure_category = excluded.failure_category,
    message = excluded.message,
    advice = excluded.advice,
    recorded_at = clock_timestamp()
