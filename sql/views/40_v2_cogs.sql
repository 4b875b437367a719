drop view if exists public.v2_cogs;

create view public.v2_cogs with (security_invoker = true) as
select
    dataset_id,
    ceil(bytes / 1e6)::bigint as cog_file_size,
    regexp_replace(uri, '^.*/', '') as cog_file_name,
    uri as cog_path,
    version,
    created_at,
    details as cog_info,
    duration_s as cog_processing_runtime
from aerodag.current_product
where kind = 'cog' and name = '';

comment on view public.v2_cogs is 'Platform contract: the current cloud-optimised GeoTIFF of each dataset, as it is served.';
comment on column public.v2_cogs.cog_file_size is 'Megabytes of 10^6 bytes, rounded up.';
comment on column public.v2_cogs.cog_processing_runtime is 'Seconds.';

grant select on public.v2_cogs to aerodag_worker, aerodag_reader;
