-- migrate:up
alter table aerodag.dataset alter column priority set default 3;
update aerodag.dataset set priority = 3 where priority = 2;

comment on column aerodag.dataset.priority is '1 background, 2 batch, 3 normal, 4 high, 5 urgent.';

alter table aerodag.run alter column priority set default 3, add column pipeline_version text;

comment on column aerodag.run.pipeline_version is 'Version of this project that the run''s first task had.';

create table aerodag.start_request (
    id bigint generated always as identity primary key,
    dataset_id bigint not null references aerodag.dataset (id) on delete cascade,
    dag_run_id text not null unique,
    conf jsonb not null,
    priority smallint not null check (priority between 1 and 5),
    reason text not null,
    requested_by text not null,
    created_at timestamptz not null default clock_timestamp(),
    asked_at timestamptz,
    asked smallint not null default 0
);

create index dataset_source_idx on aerodag.dataset (source_uri) where archived_at is null;
create index start_request_dataset_idx on aerodag.start_request (dataset_id);

comment on table aerodag.start_request is
    'A further run of a dataset that ingest is to start when there is a place for it; it is done when that run exists.';
comment on column aerodag.start_request.dag_run_id is
    'Of the run to start; made of the dataset and how many runs it had, so that two who ask at once ask for one run.';
comment on column aerodag.start_request.conf is 'Parameters of the run.';
comment on column aerodag.start_request.requested_by is 'Airflow''s id of the run that asked.';
comment on column aerodag.start_request.asked_at is 'When Airflow was asked to start it.';
comment on column aerodag.start_request.asked is 'How often.';

grant select, insert, update on aerodag.start_request to aerodag_worker;
grant select on aerodag.start_request to aerodag_reader;
alter table aerodag.start_request enable row level security;
create policy worker_all on aerodag.start_request to aerodag_worker using (true) with check (true);
create policy reader_by_dataset on aerodag.start_request for select to aerodag_reader
    using (exists (select from aerodag.dataset where dataset.id = start_request.dataset_id));

-- migrate:down
drop index aerodag.dataset_source_idx;
drop table aerodag.start_request;
alter table aerodag.run alter column priority set default 2, drop column pipeline_version cascade;
alter table aerodag.dataset alter column priority set default 2;
comment on column aerodag.dataset.priority is null;
