drop view if exists public.v2_orthos;

create view public.v2_orthos with (security_invoker = true) as
select
    artifact.dataset_id,
    regexp_replace(artifact.uri, '^.*/', '') as ortho_file_name,
    made.version,
    artifact.created_at,
    case
        when artifact.bbox is not null
            then format('BOX(%s %s,%s %s)', artifact.bbox[1], artifact.bbox[2], artifact.bbox[3], artifact.bbox[4])
    end as bbox,
    artifact.sha256,
    artifact.details as ortho_info,
    publishing.duration_s as ortho_upload_runtime,
    ceil(artifact.bytes / 1e6)::bigint as ortho_file_size
from aerodag.artifact
cross join lateral (
    select count(*)::integer as version
    from aerodag.artifact as up_to_it
    where up_to_it.dataset_id = artifact.dataset_id and up_to_it.kind = artifact.kind and up_to_it.id <= artifact.id
) as made
left join lateral (
    select step.duration_s
    from aerodag.step
    where step.run_id = artifact.run_id and step.name = 'publish_ortho' and step.state = 'succeeded'
    order by step.try_number desc
    limit 1
) as publishing on true
where artifact.kind = 'orthophoto' and artifact.is_current;

comment on view public.v2_orthos is 'Platform contract: the current orthophoto of each dataset.';
comment on column public.v2_orthos.bbox is 'BOX(west south,east north) in degrees WGS84, as PostGIS writes a box2d.';
comment on column public.v2_orthos.ortho_file_size is 'Megabytes of 10^6 bytes, rounded up.';
comment on column public.v2_orthos.ortho_upload_runtime is 'Seconds.';

grant select on public.v2_orthos to aerodag_worker, aerodag_reader;
