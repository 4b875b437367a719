insert into aerodag.run as present (
    dataset_id, dag_run_id, task_types, preset, engine, options, include_images,
    exclude_images, priority, gpu, resume_from, review, pipeline_version
) values (
    %(dataset_id)s, %(dag_run_id)s, %(task_types)s, %(preset)s, %(engine)s, %(options)s,
    %(include_images)s, %(exclude_images)s, %(priority)s, %(gpu)s, %(resume_from)s, %(review)s, %(pipeline_version)s
)
on conflict (dag_run_id) do update set
    task_types = excluded.task_types,
    preset = excluded.preset,
    -- An engine that a plan has chosen stays until the next plan.
    engine = case when present.plan is null then excluded.engine else present.engine end,
    options = excluded.options,
    include_images = excluded.include_images,
    -- What a person left out in a review stays out.
    exclude_images = excluded.exclude_images || array(
        select path from unnest(present.exclude_images) as path where path <> all (excluded.exclude_images)
    ),
    priority = excluded.priority,
    gpu = excluded.gpu,
    resume_from = excluded.resume_from,
    review = excluded.review,
    pipeline_version = excluded.pipeline_version,
    state = case when present.state = 'running' then 'running' else 'queued' end,
    attempt_at = case when present.state in ('queued', 'running') then present.attempt_at else clock_timestamp() end,
    finished_at = null,
    failure_code = null,
    failure_category = null,
    message = null,
    advice = null
where present.dataset_id = excluded.dataset_id
returning present.*
