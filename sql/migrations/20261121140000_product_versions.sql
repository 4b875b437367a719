-- migrate:up
alter table aerodag.artifact add column name text not null default '';

alter table aerodag.artifact drop constraint artifact_run_id_kind_key;
alter table aerodag.artifact add constraint artifact_run_id_kind_name_key unique (run_id, kind, name);

drop index aerodag.artifact_current_key, aerodag.artifact_dataset_idx;
create unique index artifact_current_key on aerodag.artifact (dataset_id, kind, name) where is_current;
create index artifact_dataset_idx on aerodag.artifact (dataset_id, kind, name);

comment on column aerodag.artifact.name is
    'Tells several products of one kind apart: archive (of kind cog), ndvi (of kind indices), 256.jpeg (of kind thumbnail); empty for the main one.';
comment on column aerodag.artifact.is_current is
    'Valid for the dataset now. Products of a rerun become so together, when the run finishes; the earlier ones stay on record and on storage.';

alter table aerodag.artifact drop constraint artifact_kind_check;
alter table aerodag.artifact add constraint artifact_kind_check check (
    kind in ('orthophoto', 'standardised', 'cog', 'thumbnail', 'metadata', 'preflight', 'previews', 'report', 'shots',
             'cameras', 'dsm', 'dtm', 'indices', 'stac', 'engine_log', 'forensics', 'unregistered', 'point_cloud',
             'mesh', 'statistics')
);

comment on column aerodag.run.task_types is
    'What was asked for: odm_processing, geotiff, cog, thumbnail, metadata, indices.';

-- migrate:down
delete from aerodag.artifact where kind in ('point_cloud', 'mesh', 'statistics') or name <> '';
alter table aerodag.artifact drop constraint artifact_kind_check;
alter table aerodag.artifact add constraint artifact_kind_check check (
    kind in ('orthophoto', 'standardised', 'cog', 'thumbnail', 'metadata', 'preflight', 'previews', 'report', 'shots',
             'cameras', 'dsm', 'dtm', 'indices', 'stac', 'engine_log', 'forensics', 'unregistered')
);
comment on column aerodag.run.task_types is 'What was asked for: odm_processing, geotiff, cog, thumbnail, metadata ...';
comment on column aerodag.artifact.is_current is null;
alter table aerodag.artifact drop column name cascade;
create unique index artifact_current_key on aerodag.artifact (dataset_id, kind) where is_current;
create index artifact_dataset_idx on aerodag.artifact (dataset_id, kind);
alter table aerodag.artifact add constraint artifact_run_id_kind_key unique (run_id, kind);
