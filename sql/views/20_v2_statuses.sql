drop view if exists public.v2_statuses;

create view public.v2_statuses with (security_invoker = true) as
select
    dataset.id,
    dataset.id as dataset_id,
    coalesce(
        case
            when newest.state not in ('queued', 'running') then null
            when latest_step.name in ('claim', 'stage') then 'uploading'
            when latest_step.name in (
                'validate', 'extract_metadata', 'assess_images', 'preflight', 'review', 'plan_engine', 'odm'
            )
                then 'odm_processing'
            when latest_step.name in ('publish_ortho', 'standardise') then 'ortho_processing'
            when latest_step.name = 'cog' then 'cog_processing'
            when latest_step.name = 'thumbnail' then 'thumbnail_processing'
            when latest_step.name in ('metadata', 'indices', 'promote', 'stac', 'finish') then 'metadata_processing'
        end,
        'idle'
    )::public.v2_status as current_status,
    dataset.raw_uri is not null and dataset.quarantined_at is null as is_upload_done,
    coalesce(done.odm, false) as is_odm_done,
    coalesce(done.ortho, false) as is_ortho_done,
    coalesce(done.cog, false) as is_cog_done,
    coalesce(done.thumbnail, false) as is_thumbnail_done,
    false as is_deadwood_done,
    false as is_forest_cover_done,
    coalesce(done.metadata, false) as is_metadata_done,
    false as is_combined_model_done,
    false as is_aoi_done,
    false as is_aoi_required,
    false as is_embeddings_done,
    false as is_audited,
    coalesce(newest.state = 'failed', false) or dataset.quarantined_at is not null as has_error,
    case
        when newest.state = 'failed'
            then coalesce(nullif(concat_ws(' ', newest.message, newest.advice), ''), newest.failure_code, 'The run failed.')
        when dataset.quarantined_at is not null then coalesce(quarantine.message, 'The upload is in quarantine.')
    end as error_message,
    dataset.created_at,
    greatest(dataset.created_at, dataset.quarantined_at, newest.attempt_at, newest.finished_at, latest_step.recorded_at)
        as updated_at
from aerodag.dataset
left join lateral (
    select run.*
    from aerodag.run
    where run.dataset_id = dataset.id
    order by run.attempt_at desc, run.id desc
    limit 1
) as newest on true
left join lateral (
    -- The running one, or between two steps the one that ran last.
    select step.name, step.recorded_at
    from aerodag.step
    where step.run_id = newest.id and step.name <> 'cleanup'
    order by step.state = 'running' desc, step.started_at desc nulls last, step.recorded_at desc
    limit 1
) as latest_step on true
left join lateral (
    select event.message
    from aerodag.event
    where dataset.quarantined_at is not null and event.dataset_id = dataset.id and event.kind = 'dataset.quarantined'
    order by event.created_at desc
    limit 1
) as quarantine on true
cross join lateral (
    -- What the newest run that asked for a product, and did not skip its step, made of it.
    select
        bool_or(verdict.succeeded) filter (where verdict.step_name = 'publish_ortho') and dataset.upload_type <> 'geotiff'
            as odm,
        bool_or(verdict.succeeded) filter (where verdict.step_name = 'standardise') as ortho,
        bool_or(verdict.succeeded) filter (where verdict.step_name = 'cog') as cog,
        bool_or(verdict.succeeded) filter (where verdict.step_name = 'thumbnail') as thumbnail,
        bool_or(verdict.succeeded) filter (where verdict.step_name = 'metadata') as metadata
    from (
        select distinct on (product.step_name)
            product.step_name,
            coalesce(tries.succeeded, false) as succeeded
        from (
            values
                ('odm_processing', 'publish_ortho'),
                ('geotiff', 'standardise'),
                ('cog', 'cog'),
                ('thumbnail', 'thumbnail'),
                ('metadata', 'metadata')
        ) as product (task_type, step_name)
        join aerodag.run on run.dataset_id = dataset.id and product.task_type = any(run.task_types)
        left join lateral (
            select
                bool_and(by_map_index.state = 'succeeded') as succeeded,
                bool_and(by_map_index.state = 'skipped') as skipped
            from (
                select distinct on (step.map_index) step.state
                from aerodag.step
                where step.run_id = run.id and step.name = product.step_name
                order by step.map_index, step.try_number desc
            ) as by_map_index
        ) as tries on true
        where tries.skipped is not true
        order by product.step_name, run.attempt_at desc, run.id desc
    ) as verdict
) as done;

comment on view public.v2_statuses is
    'Platform contract: one row per dataset, derived from the rows of its steps, so that a rerun that fails or is under '
    'way does not look done. Flags of steps that this pipeline does not have are false.';

grant select on public.v2_statuses to aerodag_worker, aerodag_reader;
