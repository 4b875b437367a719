-- migrate:up
create table aerodag.engine_stage (
    run_id bigint not null references aerodag.run (id) on delete cascade,
    stage text not null,
    percent double precision check (percent between 0 and 100),
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (run_id, stage)
);

comment on table aerodag.engine_stage is 'Progress of the photogrammetry engine, stage by stage.';
comment on column aerodag.engine_stage.percent is 'Of the whole job, 0 to 100, as the engine reports it.';

create table aerodag.artifact (
    id bigint generated always as identity primary key,
    run_id bigint not null,
    dataset_id bigint not null,
    kind text not null check (
        kind in ('orthophoto', 'standardised', 'cog', 'thumbnail', 'metadata', 'report', 'shots', 'cameras', 'dsm',
                 'dtm', 'indices', 'stac')
    ),
    uri text not null,
    bytes bigint not null check (bytes >= 0),
    sha256 text,
    crs text,
    bbox double precision[] check (array_length(bbox, 1) = 4),
    footprint jsonb,
    gsd_m double precision check (gsd_m > 0),
    details jsonb not null default '{}',
    is_current boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (run_id, kind),
    foreign key (run_id, dataset_id) references aerodag.run (id, dataset_id) on delete cascade
);

create unique index artifact_current_key on aerodag.artifact (dataset_id, kind) where is_current;
create index artifact_dataset_idx on aerodag.artifact (dataset_id, kind);

comment on table aerodag.artifact is 'A product of a run. Of each kind, one per dataset is current; earlier ones stay on record.';
comment on column aerodag.artifact.crs is 'Of the raster itself, as authority code (EPSG:32632) or WKT.';
comment on column aerodag.artifact.bbox is 'West, south, east, north in degrees WGS84.';
comment on column aerodag.artifact.footprint is 'GeoJSON geometry in degrees WGS84.';
comment on column aerodag.artifact.gsd_m is 'Pixel size on the ground in metres.';

create table aerodag.finding (
    id bigint generated always as identity primary key,
    run_id bigint not null references aerodag.run (id) on delete cascade,
    severity text not null check (severity in ('info', 'warning', 'degraded', 'error')),
    code text not null,
    image text,
    message text not null,
    advice text,
    numbers jsonb not null default '{}',
    created_at timestamptz not null default now()
);

-- A retried step finds the same things again: the same sentence about the same image is the same finding.
create unique index finding_key on aerodag.finding (run_id, code, image, md5(message)) nulls not distinct;

comment on table aerodag.finding is 'Something worth telling about a run, with its numbers and a sentence for a person.';
comment on column aerodag.finding.severity is 'degraded and error make a finished run degraded instead of succeeded.';
comment on column aerodag.finding.image is 'zip_path of the image concerned; null where it is about the whole dataset.';

create table aerodag.event (
    id bigint generated always as identity primary key,
    dataset_id bigint references aerodag.dataset (id) on delete cascade,
    run_id bigint references aerodag.run (id) on delete cascade,
    kind text not null,
    message text not null,
    details jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp()
);

create index event_dataset_idx on aerodag.event (dataset_id, created_at desc);
create index event_run_idx on aerodag.event (run_id, created_at desc);

comment on table aerodag.event is 'Journal; rows are only added.';

create table aerodag.outbox (
    id bigint generated always as identity primary key,
    run_id bigint not null references aerodag.run (id) on delete cascade,
    event text not null,
    recipient text not null,
    payload jsonb not null default '{}',
    state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'failed')),
    attempts smallint not null default 0,
    next_attempt_at timestamptz not null default now(),
    error text,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    unique (run_id, event, recipient)
);

create index outbox_due_idx on aerodag.outbox (next_attempt_at) where state in ('pending', 'sending');

comment on table aerodag.outbox is 'Notifications to send: each recipient is told once of each event of a run.';
comment on column aerodag.outbox.next_attempt_at is 'Not before; for a row being sent, when its sender is taken for dead.';

-- migrate:down
drop table aerodag.outbox cascade;
drop table aerodag.event cascade;
drop table aerodag.finding cascade;
drop table aerodag.artifact cascade;
drop table aerodag.engine_stage cascade;
