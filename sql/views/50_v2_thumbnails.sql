drop view if exists public.v2_thumbnails;

create view public.v2_thumbnails with (security_invoker = true) as
select
    artifact.dataset_id,
    artifact.bytes as thumbnail_file_size,
    regexp_replace(artifact.uri, '^.*/', '') as thumbnail_file_name,
    artifact.uri as thumbnail_path,
    made.version,
    artifact.created_at,
    processing.duration_s as thumbnail_processing_runtime
from aerodag.artifact
cross join lateral (
    select count(*)::integer as version
    from aerodag.artifact as up_to_it
    where up_to_it.dataset_id = artifact.dataset_id and up_to_it.kind = artifact.kind and up_to_it.id <= artifact.id
) as made
left join lateral (
    select step.duration_s
    from aerodag.step
    where step.run_id = artifact.run_id and step.name = 'thumbnail' and step.state = 'succeeded'
    order by step.try_number desc
    limit 1
) as processing on true
where artifact.kind = 'thumbnail' and artifact.is_current;

comment on view public.v2_thumbnails is 'Platform contract: the current thumbnail of each dataset.';
comment on column public.v2_thumbnails.thumbnail_file_size is 'Bytes, unlike the sizes of the other views.';
comment on column public.v2_thumbnails.thumbnail_processing_runtime is 'Seconds.';

grant select on public.v2_thumbnails to aerodag_worker, aerodag_reader;
