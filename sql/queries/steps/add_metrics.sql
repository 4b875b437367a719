insert into aerodag.step as present (run_id, name, map_index, try_number, state, metrics)
values (%(run_id)s, %(name)s, %(map_index)s, %(try_number)s, 'running', %(metrics)s)
on conflict (run_id, name, map_index, try_number) do update set
    metrics = present.metrics || excluded.metrics,
    recorded_at = clock_timestamp()
