-- migrate:up
create table aerodag.quality_check (
    name text primary key check (name ~ '^[a-z0-9_]+\.[a-z0-9_]+$'),
    topic text not null check (topic in ('images', 'gps', 'rtk', 'registration', 'geometry', 'products')),
    title text not null,
    unit text not null default '',
    comparison text not null check (comparison in ('at_least', 'at_most', 'equal', 'between')),
    threshold double precision not null,
    upper_threshold double precision,
    severity text not null check (severity in ('warn', 'fail')),
    description text not null,
    enabled boolean not null default true,
    check (split_part(name, '.', 1) = topic),
    check ((comparison = 'between') = (upper_threshold is not null)),
    check (threshold <= upper_threshold)
);

comment on table aerodag.quality_check is
    'What is asked of every run''s data. Thresholds are an operator''s to change: update aerodag.quality_check set '
    'threshold = 0.7 where name = ''images.assigned_share''. How a value is measured is in sql/queries/evaluate_checks.sql.';
comment on column aerodag.quality_check.unit is 'Of value and thresholds; share is 0 to 1, empty a plain number.';
comment on column aerodag.quality_check.comparison is 'What the value has to be, against threshold; between includes both ends.';
comment on column aerodag.quality_check.upper_threshold is 'Upper end, for between only.';
comment on column aerodag.quality_check.severity is 'The verdict where the comparison does not hold.';
comment on column aerodag.quality_check.enabled is 'Whether runs are judged by it; results of earlier runs stay.';

create table aerodag.check_result (
    run_id bigint not null references aerodag.run (id) on delete cascade,
    name text not null references aerodag.quality_check (name) on update cascade,
    value double precision,
    comparison text not null,
    threshold double precision not null,
    upper_threshold double precision,
    verdict text not null check (verdict in ('pass', 'warn', 'fail', 'unknown')),
    reason text,
    evaluated_at timestamptz not null default clock_timestamp(),
    primary key (run_id, name),
    check ((verdict = 'unknown') = (value is null)),
    check ((value is null) = (reason is not null))
);

create index check_result_evaluated_idx on aerodag.check_result (evaluated_at);

comment on table aerodag.check_result is 'How a run fared in each check, with the thresholds that it was judged by.';
comment on column aerodag.check_result.reason is 'Why there is no value; null where there is one.';

grant select, insert, update, delete on aerodag.quality_check, aerodag.check_result to aerodag_worker;
grant select on aerodag.quality_check, aerodag.check_result to aerodag_reader;

alter table aerodag.quality_check enable row level security;
alter table aerodag.check_result enable row level security;
create policy worker_all on aerodag.quality_check to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.check_result to aerodag_worker using (true) with check (true);
create policy reader_all on aerodag.quality_check for select to aerodag_reader using (true);
create policy reader_by_run on aerodag.check_result for select to aerodag_reader
    using (exists (select from aerodag.run where run.id = check_result.run_id));

insert into aerodag.quality_check
    (name, topic, title, unit, comparison, threshold, upper_threshold, severity, description)
values
    (
        'images.assigned', 'images', 'Images for the engine', 'images', 'at_least', 6, null, 'warn',
        'Images that the engine gets; five or fewer hardly make a map.'
    ),
    (
        'images.assigned_share', 'images', 'Usable images', 'share', 'at_least', 0.8, null, 'warn',
        'Images that the engine gets, of those that are no duplicates, of the chosen sensor and not left out by hand.'
    ),
    (
        'images.blurred_share', 'images', 'Blurred images', 'share', 'at_most', 0.1, null, 'warn',
        'Blurred images among those that the engine gets.'
    ),
    (
        'images.badly_exposed_share', 'images', 'Black or white images', 'share', 'at_most', 0.05, null, 'warn',
        'Black or white pictures among all images of the upload.'
    ),
    (
        'images.damaged_share', 'images', 'Damaged images', 'share', 'at_most', 0.02, null, 'warn',
        'Images of the upload that are truncated, damaged, unreadable or no images at all.'
    ),
    (
        'images.duplicate_share', 'images', 'Duplicates', 'share', 'at_most', 0.1, null, 'warn',
        'Images of the upload that are there twice.'
    ),
    (
        'images.known_elsewhere_share', 'images', 'Images of another dataset', 'share', 'at_most', 0.5, null, 'warn',
        'Images whose content an earlier dataset holds already.'
    ),
    (
        'gps.position_share', 'gps', 'Images with a position', 'share', 'at_least', 0.5, null, 'fail',
        'Images of the upload that know where they were taken.'
    ),
    (
        'gps.altitude_share', 'gps', 'Positions with an altitude', 'share', 'at_least', 0.95, null, 'warn',
        'Positions with an altitude that is not zero, among those the engine gets; with less, ODM drops all altitudes.'
    ),
    (
        'gps.outlier_share', 'gps', 'Stray positions', 'share', 'at_most', 0.05, null, 'warn',
        'Images that lie far from all others or belong to another flight area.'
    ),
    (
        'gps.time_share', 'gps', 'Images with a time', 'share', 'at_least', 0.95, null, 'warn',
        'Images of the upload that know when they were taken.'
    ),
    (
        'rtk.fixed_share', 'rtk', 'Fixed positions', 'share', 'at_least', 0.9, null, 'warn',
        'Images for the engine with a fixed solution, where RTK was flown.'
    ),
    (
        'rtk.marked_share', 'rtk', 'Images with an exposure mark', 'share', 'at_least', 0.95, null, 'warn',
        'Images for the engine that an exposure mark belongs to, where the upload has a mark file.'
    ),
    (
        'rtk.matched_share', 'rtk', 'Exposure marks with an image', 'share', 'at_least', 0.95, null, 'warn',
        'Records of the mark files that belong to an image; fewer mean images that were not uploaded.'
    ),
    (
        'rtk.deviation_m', 'rtk', 'Standard deviation', 'm', 'at_most', 0.05, null, 'warn',
        'Median over the images for the engine of the larger horizontal standard deviation, where RTK was flown.'
    ),
    (
        'registration.share', 'registration', 'Registered images', 'share', 'at_least', 0.9, null, 'warn',
        'Images in the reconstruction, of those that the engine got.'
    ),
    (
        'registration.majority', 'registration', 'Registered images, at least', 'share', 'at_least', 0.5, null, 'fail',
        'The same share, below which the map is a fragment.'
    ),
    (
        'registration.components', 'registration', 'Reconstructions', '', 'equal', 1, null, 'warn',
        'Parts that the images fell apart into; several can be off at their seams.'
    ),
    (
        'registration.reprojection_px', 'registration', 'Reprojection error', 'px', 'at_most', 2, null, 'warn',
        'Mean distance between a tie point in the image and where the reconstruction puts it.'
    ),
    (
        'registration.gps_error_m', 'registration', 'Distance from the GPS positions', 'm', 'at_most', 10, null, 'warn',
        'Average distance between the cameras as reconstructed and as positioned.'
    ),
    (
        'geometry.forward_overlap', 'geometry', 'Forward overlap', 'share', 'at_least', 0.6, null, 'warn',
        'Estimated before the engine ran, from positions and footprints.'
    ),
    (
        'geometry.side_overlap', 'geometry', 'Side overlap', 'share', 'at_least', 0.4, null, 'warn',
        'Estimated before the engine ran, from positions and footprints.'
    ),
    (
        'geometry.gap_share', 'geometry', 'Gaps in the survey', 'share', 'at_most', 0.05, null, 'warn',
        'Ground inside the survey that too few images see, of the area that they cover.'
    ),
    (
        'geometry.hull_covered', 'geometry', 'Map between its cameras', 'share', 'at_least', 0.8, null, 'warn',
        'Share of the area between the cameras that the orthophoto covers.'
    ),
    (
        'geometry.cameras_inside', 'geometry', 'Map below its cameras', 'share', 'at_least', 0.8, null, 'fail',
        'Registered images whose position lies within the orthophoto''s bounding box.'
    ),
    (
        'geometry.size_ratio', 'geometry', 'Map of a plausible size', '', 'at_most', 4, null, 'warn',
        'Area of the orthophoto over the area that its cameras can have seen; more is stray points.'
    ),
    (
        'geometry.area_ratio', 'geometry', 'Map against survey', '', 'between', 0.5, 2, 'warn',
        'Valid area of the orthophoto over the area that the footprints of its images cover.'
    ),
    (
        'geometry.valid_share', 'geometry', 'Valid pixels', 'share', 'at_least', 0.2, null, 'warn',
        'Pixels of the orthophoto that show something; a mostly empty canvas is stretched by stray points.'
    ),
    (
        'geometry.gsd_ratio', 'geometry', 'Pixel size against prediction', '', 'between', 0.5, 2, 'warn',
        'Pixel size of the orthophoto over the one that was asked for, or else that the images show.'
    ),
    (
        'products.missing', 'products', 'Missing products', 'products', 'equal', 0, null, 'fail',
        'Products that the run was asked for and did not make.'
    ),
    (
        'products.cog_same_extent', 'products', 'COG in the orthophoto''s place', 'share', 'at_least', 0.95, null, 'fail',
        'Bounding boxes of what COG and orthophoto show: what they share, of what either covers.'
    ),
    (
        'products.thumbnails', 'products', 'Thumbnails', 'files', 'at_least', 1, null, 'warn',
        'Thumbnails of the run, where it was asked for them.'
    ),
    (
        'products.checksummed_share', 'products', 'Files with a checksum', 'share', 'at_least', 1, null, 'warn',
        'Files of the run whose checksum is on record.'
    ),
    (
        'products.serious_findings', 'products', 'Serious findings', 'findings', 'equal', 0, null, 'warn',
        'Findings of the run that make its result degraded.'
    );

-- migrate:down
drop table aerodag.check_result cascade;
drop table aerodag.quality_check cascade;
