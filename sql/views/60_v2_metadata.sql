drop view if exists public.v2_metadata;

create view public.v2_metadata with (security_invoker = true) as
select
    dataset_id,
    details as metadata,
    version,
    created_at,
    duration_s as processing_runtime
from aerodag.current_product
where kind = 'metadata';

comment on view public.v2_metadata is 'Platform contract: the current metadata record of each dataset.';
comment on column public.v2_metadata.metadata is
    'gadm, biome and phenology as the platform knows them, and the dataset''s own facts beside.';
comment on column public.v2_metadata.processing_runtime is 'Seconds.';

grant select on public.v2_metadata to aerodag_worker, aerodag_reader;
