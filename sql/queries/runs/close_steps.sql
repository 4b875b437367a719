update aerodag.step
set state = 'failed',
    finished_at = coalesce(finished_at, clock_timestamp()),
    recorded_at = clock_timestamp(),
    failure_code = coalesce(failure_code, 'step.lost'),
    failure_category = coalesce(failure_category, 'infrastructure'),
    message = coalesce(message, 'The run ended while this step was under way.'),
    advice = coalesce(advice, 'Clear the task to run it again.')
where run_id = %(run_id)s and state in ('running', 'retrying')
