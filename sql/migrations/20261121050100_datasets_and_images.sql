-- migrate:up
create table aerodag.dataset (
    id bigint generated always as identity primary key,
    name text not null,
    owner text not null,
    source_uri text not null,
    raw_uri text,
    content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint not null check (size_bytes >= 0),
    upload_type text not null check (upload_type in ('raw_images_zip', 'geotiff', 'video')),
    captured_from timestamptz,
    captured_to timestamptz,
    captured_source text,
    licence text,
    platform text check (platform in ('drone', 'airborne', 'satellite')),
    project text,
    authors text[] not null default '{}',
    access text not null default 'public' check (access in ('public', 'private', 'viewonly')),
    citation_doi text,
    notes text,
    priority smallint not null default 2 check (priority between 1 and 5),
    created_at timestamptz not null default now(),
    start_asked_at timestamptz,
    quarantined_at timestamptz,
    archived_at timestamptz,
    check (captured_from <= captured_to)
);

create unique index dataset_content_key on aerodag.dataset (content_sha256) where archived_at is null;
create index dataset_queue_idx on aerodag.dataset (priority desc, created_at)
    where archived_at is null and quarantined_at is null;
create index dataset_start_asked_idx on aerodag.dataset (start_asked_at);
create index dataset_created_at_idx on aerodag.dataset (created_at);
create index dataset_owner_idx on aerodag.dataset (owner);

comment on table aerodag.dataset is 'One upload. The same content is registered once while it is not archived.';
comment on column aerodag.dataset.owner is 'Database login that owns it; that login sees it whatever its access is.';
comment on column aerodag.dataset.source_uri is 'Where the upload was found first.';
comment on column aerodag.dataset.raw_uri is 'Where the upload is now; unknown until it has been moved out of the incoming location.';
comment on column aerodag.dataset.captured_source is 'What captured_from and captured_to were read from; unknown dates stay null.';
comment on column aerodag.dataset.priority is '5 is served first.';
comment on column aerodag.dataset.start_asked_at is
    'When Airflow was last asked to start the first run; a request that led to no run expires after a minute.';
comment on column aerodag.dataset.quarantined_at is 'Set while raw_uri points into the quarantine.';

create table aerodag.image (
    id bigint generated always as identity primary key,
    dataset_id bigint not null references aerodag.dataset (id) on delete cascade,
    zip_path text not null,
    engine_name text,
    sha256 text,
    size_bytes bigint check (size_bytes >= 0),
    width integer check (width > 0),
    height integer check (height > 0),
    make text,
    model text,
    serial text,
    lens text,
    focal_mm double precision,
    band text,
    captured_at timestamptz,
    captured_source text,
    longitude double precision check (longitude between -180 and 180),
    latitude double precision check (latitude between -90 and 90),
    altitude double precision,
    position_source text check (position_source in ('xmp', 'mrk', 'exif')),
    relative_altitude double precision,
    yaw double precision,
    pitch double precision,
    roll double precision,
    rtk_flag integer,
    std_e_m double precision,
    std_n_m double precision,
    std_u_m double precision,
    sharpness double precision,
    exposure jsonb,
    gsd_cm double precision,
    status text not null default 'staged'
        check (status in ('staged', 'assigned', 'rejected', 'unmatched', 'invalid_exif', 'duplicate')),
    reasons text[] not null default '{}',
    duplicate_of text,
    registered boolean,
    exif jsonb not null default '{}',
    unique (dataset_id, zip_path),
    unique (dataset_id, engine_name)
);

comment on table aerodag.image is 'One image of an upload: what its header says, what was judged about it and why.';
comment on column aerodag.image.zip_path is 'Path inside the ZIP; the identity of the image within its dataset.';
comment on column aerodag.image.engine_name is 'Flat, collision-free file name given to the photogrammetry engine.';
comment on column aerodag.image.width is 'Pixels as stored; the EXIF orientation is not applied.';
comment on column aerodag.image.captured_at is
    'A camera clock without a known offset is kept as if it were UTC; captured_source tells the two apart.';
comment on column aerodag.image.altitude is 'Metres as the camera wrote it; ellipsoidal or above sea level by make.';
comment on column aerodag.image.relative_altitude is 'Metres above the take-off point.';
comment on column aerodag.image.pitch is 'Gimbal, degrees; -90 is nadir.';
comment on column aerodag.image.rtk_flag is 'As the receiver wrote it: 50 fix, 34 float, 16 single, 0 none.';
comment on column aerodag.image.std_e_m is 'Standard deviation of the position to the east, metres.';
comment on column aerodag.image.gsd_cm is 'Ground sample distance, centimetres per pixel.';
comment on column aerodag.image.reasons is 'Machine codes of all that was found; also of images that were kept.';
comment on column aerodag.image.duplicate_of is 'zip_path of the image that was kept instead.';
comment on column aerodag.image.registered is 'In the reconstruction; null until one was made.';

create table aerodag.rtk_file (
    id bigint generated always as identity primary key,
    dataset_id bigint not null references aerodag.dataset (id) on delete cascade,
    zip_path text not null,
    kind text not null,
    size_bytes bigint not null check (size_bytes >= 0),
    records integer check (records >= 0),
    matched integer check (matched >= 0),
    details jsonb not null default '{}',
    unique (dataset_id, zip_path)
);

comment on table aerodag.rtk_file is 'One file of a positioning receiver inside an upload.';
comment on column aerodag.rtk_file.kind is 'File extension in lower case without the dot: mrk, rtk, obs ...';
comment on column aerodag.rtk_file.records is 'Records read from it; null where the format is only noted as present.';
comment on column aerodag.rtk_file.matched is 'Records that belong to an image of the upload.';

-- migrate:down
drop table aerodag.rtk_file cascade;
drop table aerodag.image cascade;
drop table aerodag.dataset cascade;
