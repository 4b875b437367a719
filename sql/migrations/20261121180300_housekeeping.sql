-- migrate:up
create table aerodag.observation (
    kind text not null,
    subject text not null default '',
    since timestamptz not null,
    told_at timestamptz,
    details jsonb not null default '{}',
    primary key (kind, subject)
);

comment on table aerodag.observation is
    'What housekeeping has seen amiss and not seen end yet, so that it is told once; and how far its slow rounds are.';
comment on column aerodag.observation.subject is 'Id of the row concerned; empty where there is only one.';
comment on column aerodag.observation.since is 'When it was seen first.';
comment on column aerodag.observation.told_at is 'When it became an event; null while it may still mend itself.';

create table aerodag.hold (
    kind text primary key,
    since timestamptz not null,
    reason text not null
);

comment on table aerodag.hold is 'While there is a row, no new engine run starts.';
comment on column aerodag.hold.kind is 'disk: the disk of the data root is too full.';
comment on column aerodag.hold.reason is 'One sentence for a person, with the numbers.';

grant select, insert, update, delete on aerodag.observation, aerodag.hold to aerodag_worker;
grant select on aerodag.hold to aerodag_reader;

alter table aerodag.observation enable row level security;
alter table aerodag.hold enable row level security;
create policy worker_all on aerodag.observation to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.hold to aerodag_worker using (true) with check (true);
create policy reader_all on aerodag.hold for select to aerodag_reader using (true);

alter table aerodag.dataset add column start_asks smallint not null default 0;

comment on column aerodag.dataset.start_asks is 'How often Airflow was asked to start the first run.';
comment on column aerodag.dataset.start_asked_at is
    'When Airflow was last asked to start the first run; a request that led to no run expires after a minute, each '
    'further one after four times as long.';

alter table aerodag.artifact add column removed_at timestamptz;

comment on column aerodag.artifact.removed_at is
    'When its file was removed by retention; the row stays as the record. Null while the file is kept.';

create index dataset_start_asks_idx on aerodag.dataset (start_asks) where start_asks > 1;
create index dataset_quarantined_idx on aerodag.dataset (quarantined_at) where quarantined_at is not null;
create index run_finished_idx on aerodag.run (finished_at) where finished_at is not null;
-- Hash: a path may be longer than what a B-tree holds.
create index artifact_uri_idx on aerodag.artifact using hash (uri);
create index dataset_raw_uri_idx on aerodag.dataset using hash (raw_uri);
create index event_refused_idx on aerodag.event (created_at) where kind = 'upload.refused';
create index event_refused_uri_idx on aerodag.event using hash ((details ->> 'quarantine_uri'))
    where kind = 'upload.refused';

-- migrate:down
drop index aerodag.event_refused_uri_idx, aerodag.event_refused_idx, aerodag.dataset_raw_uri_idx,
    aerodag.artifact_uri_idx, aerodag.run_finished_idx, aerodag.dataset_quarantined_idx, aerodag.dataset_start_asks_idx;
alter table aerodag.artifact drop column removed_at cascade;
alter table aerodag.dataset drop column start_asks cascade;
comment on column aerodag.dataset.start_asked_at is
    'When Airflow was last asked to start the first run; a request that led to no run expires after a minute.';
drop table aerodag.hold;
drop table aerodag.observation;
