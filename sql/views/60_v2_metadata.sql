drop view if exists public.v2_metadata;

create view public.v2_metadata with (security_invoker = true) as
select
    artifact.dataset_id,
    artifact.details as metadata,
    made.version,
    artifact.created_at,
    processing.duration_s as processing_runtime
from aerodag.artifact
cross join lateral (
    select count(*)::integer as version
    from aerodag.artifact as up_to_it
    where up_to_it.dataset_id = artifact.dataset_id and up_to_it.kind = artifact.kind and up_to_it.id <= artifact.id
) as made
left join lateral (
    select step.duration_s
    from aerodag.step
    where step.run_id = artifact.run_id and step.name = 'metadata' and step.state = 'succeeded'
    order by step.try_number desc
    limit 1
) as processing on true
where artifact.kind = 'metadata' and artifact.is_current;

comment on view public.v2_metadata is 'Platform contract: the current metadata record of each dataset.';
comment on column public.v2_metadata.processing_runtime is 'Seconds.';

grant select on public.v2_metadata to aerodag_worker, aerodag_reader;
