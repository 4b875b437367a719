-- migrate:up
create table aerodag.vegetation_index (
    id bigint generated always as identity primary key,
    run_id bigint not null,
    dataset_id bigint not null,
    name text not null,
    reason text,
    note text,
    count bigint check (count > 0),
    mean double precision,
    std double precision check (std >= 0),
    min double precision,
    max double precision,
    percentiles jsonb,
    classes jsonb not null default '[]',
    healthy double precision,
    created_at timestamptz not null default now(),
    unique (run_id, name),
    foreign key (run_id, dataset_id) references aerodag.run (id, dataset_id) on delete cascade,
    check (num_nonnulls(reason, mean) = 1)
);

create index vegetation_index_dataset_idx on aerodag.vegetation_index (dataset_id, name);

comment on table aerodag.vegetation_index is 'A vegetation index of a run''s orthophoto, or why there is none.';
comment on column aerodag.vegetation_index.reason is 'Why it could not be computed; null where it was.';
comment on column aerodag.vegetation_index.note is 'A caveat, such as uncalibrated numbers.';
comment on column aerodag.vegetation_index.count is 'Pixels that have a value; all statistics are of these.';
comment on column aerodag.vegetation_index.percentiles is 'Value by percent: 2, 5, 25, 50, 75, 95, 98.';
comment on column aerodag.vegetation_index.classes is 'From bare to dense: name, low, high, area_m2, share of the pixels that have a value.';
comment on column aerodag.vegetation_index.healthy is 'What the stress is measured against; null where nothing stands out from bare ground.';

create table aerodag.stress_cell (
    run_id bigint not null,
    name text not null,
    "row" smallint not null check ("row" between 0 and 9),
    col smallint not null check (col between 0 and 9),
    mean double precision,
    valid_share double precision not null check (valid_share between 0 and 1),
    severity double precision check (severity between 0 and 1),
    footprint jsonb not null,
    primary key (run_id, name, "row", col),
    foreign key (run_id, name) references aerodag.vegetation_index (run_id, name) on delete cascade
);

comment on table aerodag.stress_cell is 'One of 10 x 10 cells over an orthophoto''s bounding box. A severity above 0.3 is a stress zone.';
comment on column aerodag.stress_cell.mean is 'Of the index; null where too few pixels have a value.';
comment on column aerodag.stress_cell.valid_share is 'Share of its pixels that have a value.';
comment on column aerodag.stress_cell.severity is '(healthy - mean) / (healthy - bare), cut to 0..1; null where unknown.';
comment on column aerodag.stress_cell.footprint is 'GeoJSON polygon, degrees WGS84.';

grant select, insert, delete on aerodag.vegetation_index, aerodag.stress_cell to aerodag_worker;
grant select on aerodag.vegetation_index, aerodag.stress_cell to aerodag_reader;

alter table aerodag.vegetation_index enable row level security;
alter table aerodag.stress_cell enable row level security;
create policy worker_all on aerodag.vegetation_index to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.stress_cell to aerodag_worker using (true) with check (true);
create policy reader_by_dataset on aerodag.vegetation_index for select to aerodag_reader
    using (exists (select from aerodag.dataset where dataset.id = vegetation_index.dataset_id));
create policy reader_by_run on aerodag.stress_cell for select to aerodag_reader
    using (exists (select from aerodag.run where run.id = stress_cell.run_id));

-- migrate:down
drop table aerodag.stress_cell;
drop table aerodag.vegetation_index;
