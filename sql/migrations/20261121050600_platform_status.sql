-- migrate:up
create type public.v2_status as enum (
    'idle',
    'uploading',
    'ortho_processing',
    'cog_processing',
    'thumbnail_processing',
    'deadwood_segmentation',
    'forest_cover_segmentation',
    'audit_in_progress',
    'metadata_processing',
    'odm_processing',
    'deadwood_treecover_combined_segmentation',
    'aoi_segmentation',
    'embedding_processing'
);

comment on type public.v2_status is 'Part of the platform''s contract; this pipeline uses those of its own steps.';

-- migrate:down
drop type public.v2_status cascade;
