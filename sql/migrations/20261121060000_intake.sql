-- migrate:up
alter table aerodag.image
    add column modality text check (modality in ('rgb', 'multispectral', 'thermal')),
    add column focal_px double precision check (focal_px > 0),
    add column digital_zoom double precision check (digital_zoom > 0),
    add column sensor_group text,
    add column flight integer check (flight > 0),
    add column duplicate_of_dataset bigint references aerodag.dataset (id) on delete set null;

alter table aerodag.image drop constraint image_position_source_check;
alter table aerodag.image add constraint image_position_source_check
    check (position_source in ('geo', 'xmp', 'mrk', 'exif'));

create index image_sha256_idx on aerodag.image (sha256);
create index image_duplicate_of_dataset_idx on aerodag.image (duplicate_of_dataset)
    where duplicate_of_dataset is not null;

comment on column aerodag.image.modality is 'What the sensor sees: rgb, multispectral (one band) or thermal.';
comment on column aerodag.image.position_source is
    'geo: the upload''s own geo.txt; mrk: exposure marks of the receiver; xmp, exif: the image itself.';
comment on column aerodag.image.focal_px is 'Focal length in pixels of the stored image.';
comment on column aerodag.image.sensor_group is 'The sensor it was taken with; one upload can hold several.';
comment on column aerodag.image.flight is 'Number of the flight within the upload, from 1 in order of time.';
comment on column aerodag.image.duplicate_of is
    'zip_path of the same content: kept instead in this upload, or known from duplicate_of_dataset.';
comment on column aerodag.image.duplicate_of_dataset is
    'Earlier dataset that holds the same content; such an image is used all the same.';

alter table aerodag.rtk_file
    add column sha256 text check (sha256 ~ '^[0-9a-f]{64}$');

alter table aerodag.run
    add column include_images text[] not null default '{}',
    add column exclude_images text[] not null default '{}',
    add column preflight jsonb;

comment on column aerodag.run.include_images is 'Patterns of zip_path: images a person wants in, whatever the checks say.';
comment on column aerodag.run.exclude_images is 'Patterns of zip_path: images a person wants out; stronger than include_images.';
comment on column aerodag.run.preflight is 'The pre-flight report, verdict go, review or no_go; the page is the artifact of that kind.';

alter table aerodag.finding
    add column step text not null default '';

grant delete on aerodag.finding to aerodag_worker;

create index finding_step_idx on aerodag.finding (run_id, step);

comment on column aerodag.finding.step is 'The step that found it; its next try replaces what the last one found.';

alter table aerodag.artifact drop constraint artifact_kind_check;
alter table aerodag.artifact add constraint artifact_kind_check check (
    kind in ('orthophoto', 'standardised', 'cog', 'thumbnail', 'metadata', 'preflight', 'previews', 'report', 'shots',
             'cameras', 'dsm', 'dtm', 'indices', 'stac')
);

-- migrate:down
delete from aerodag.artifact where kind in ('preflight', 'previews');
alter table aerodag.artifact drop constraint artifact_kind_check;
alter table aerodag.artifact add constraint artifact_kind_check check (
    kind in ('orthophoto', 'standardised', 'cog', 'thumbnail', 'metadata', 'report', 'shots', 'cameras', 'dsm',
             'dtm', 'indices', 'stac')
);
revoke delete on aerodag.finding from aerodag_worker;
drop index aerodag.finding_step_idx;
alter table aerodag.finding drop column step cascade;
alter table aerodag.run drop column include_images cascade, drop column exclude_images cascade, drop column preflight cascade;
alter table aerodag.rtk_file drop column sha256 cascade;
drop index aerodag.image_duplicate_of_dataset_idx, aerodag.image_sha256_idx;
update aerodag.image set position_source = null where position_source = 'geo';
alter table aerodag.image drop constraint image_position_source_check;
alter table aerodag.image add constraint image_position_source_check
    check (position_source in ('xmp', 'mrk', 'exif'));
comment on column aerodag.image.position_source is null;
alter table aerodag.image
    drop column modality cascade, drop column focal_px cascade, drop column digital_zoom cascade, drop column sensor_group cascade,
    drop column flight cascade, drop column duplicate_of_dataset cascade;
comment on column aerodag.image.duplicate_of is 'zip_path of the image that was kept instead.';
