-- A deferred task starts again within the same try: its first start counts.
insert into aerodag.step as present (run_id, name, map_index, try_number, state, host, started_at)
select run.id, %(name)s, %(map_index)s, %(try_number)s, 'running', %(host)s, %(started_at)s
from aerodag.run
where run.dag_run_id = %(dag_run_id)s
on conflict (run_id, name, map_index, try_number) do update set
    state = 'running',
    host = excluded.host,
    started_at = least(present.started_at, excluded.started_at),
    finished_at = null,
    failure_code = null,
    failure_category = null,
    message = null,
    advice = null,
    recorded_at = clock_timestamp()
