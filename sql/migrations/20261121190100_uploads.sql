-- migrate:up
create table aerodag.upload (
    id uuid primary key,
    name text not null,
    upload_type text not null check (upload_type in ('raw_images_zip', 'geotiff')),
    size_bytes bigint not null check (size_bytes > 0),
    chunk_bytes integer not null check (chunk_bytes > 0),
    owner text not null,
    licence text,
    platform text check (platform in ('drone', 'airborne', 'satellite')),
    project text,
    authors text[] not null default '{}',
    access text not null default 'public' check (access in ('public', 'private', 'viewonly')),
    citation_doi text,
    notes text,
    captured_on date,
    priority smallint not null default 3 check (priority between 1 and 5),
    state text not null default 'open' check (state in ('open', 'complete', 'expired')),
    source_uri text unique,
    dataset_id bigint references aerodag.dataset (id) on delete set null,
    already_known boolean not null default false,
    refusal text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    completed_at timestamptz,
    check ((state = 'complete') = (completed_at is not null)),
    check (state <> 'complete' or source_uri is not null)
);

create index upload_open_idx on aerodag.upload (owner, created_at) where state = 'open';
create index upload_expiry_idx on aerodag.upload (expires_at) where state = 'open';
create index upload_dataset_idx on aerodag.upload (dataset_id);

comment on table aerodag.upload is 'A file that comes in pieces through the web, with what its uploader says about it.';
comment on column aerodag.upload.owner is 'Airflow''s name of the user; becomes the owner of the dataset.';
comment on column aerodag.upload.chunk_bytes is 'Size of every chunk but the last.';
comment on column aerodag.upload.captured_on is 'What the uploader says; the images'' own times come before it.';
comment on column aerodag.upload.source_uri is
    'Where the whole file appears in the incoming location; set before it does, so that it is known whoever finds it.';
comment on column aerodag.upload.dataset_id is 'Set when the file is registered, which is after it is complete.';
comment on column aerodag.upload.already_known is 'The content was a dataset before, which dataset_id names.';
comment on column aerodag.upload.refusal is 'Why the complete file could not be registered.';

create table aerodag.upload_chunk (
    upload_id uuid not null references aerodag.upload (id) on delete cascade,
    index integer not null check (index >= 0),
    sha256 bytea not null check (length(sha256) = 32),
    primary key (upload_id, index)
);

comment on table aerodag.upload_chunk is
    'A chunk that is on the disk with this checksum; those of an upload that is complete are not needed any more.';

-- Not to readers: what is not whole yet concerns its uploader only.
grant select, insert, update, delete on aerodag.upload to aerodag_worker;
grant select, insert, delete on aerodag.upload_chunk to aerodag_worker;
alter table aerodag.upload enable row level security;
alter table aerodag.upload_chunk enable row level security;
create policy worker_all on aerodag.upload to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.upload_chunk to aerodag_worker using (true) with check (true);

comment on column aerodag.dataset.owner is
    'Who brought it: the user of the web page, or the login that owned the file. The database login and the Airflow '
    'user of that name see it whatever its access is.';

-- migrate:down
comment on column aerodag.dataset.owner is 'Database login that owns it; that login sees it whatever its access is.';
drop table aerodag.upload_chunk;
drop table aerodag.upload;
