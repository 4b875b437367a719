drop view if exists public.v2_cogs;

create view public.v2_cogs with (security_invoker = true) as
select
    artifact.dataset_id,
    ceil(artifact.bytes / 1e6)::bigint as cog_file_size,
    regexp_replace(artifact.uri, '^.*/', '') as cog_file_name,
    artifact.uri as cog_path,
    made.version,
    artifact.created_at,
    artifact.details as cog_info,
    processing.duration_s as cog_processing_runtime
from aerodag.artifact
cross join lateral (
    select count(*)::integer as version
    from aerodag.artifact as up_to_it
    where up_to_it.dataset_id = artifact.dataset_id and up_to_it.kind = artifact.kind and up_to_it.id <= artifact.id
) as made
left join lateral (
    select step.duration_s
    from aerodag.step
    where step.run_id = artifact.run_id and step.name = 'cog' and step.state = 'succeeded'
    order by step.try_number desc
    limit 1
) as processing on true
where artifact.kind = 'cog' and artifact.is_current;

comment on view public.v2_cogs is 'Platform contract: the current cloud-optimised GeoTIFF of each dataset.';
comment on column public.v2_cogs.cog_file_size is 'Megabytes of 10^6 bytes, rounded up.';
comment on column public.v2_cogs.cog_processing_runtime is 'Seconds.';

grant select on public.v2_cogs to aerodag_worker, aerodag_reader;
