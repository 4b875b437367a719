-- migrate:up
grant select, insert, update on
    aerodag.dataset, aerodag.run, aerodag.step, aerodag.finding, aerodag.engine_stage, aerodag.artifact, aerodag.outbox
    to aerodag_worker;
grant select, insert, update, delete on aerodag.image, aerodag.rtk_file to aerodag_worker;
grant select, insert on aerodag.event to aerodag_worker;

-- Not outbox: it holds the addresses of people.
grant select on
    aerodag.dataset, aerodag.image, aerodag.rtk_file, aerodag.run, aerodag.step, aerodag.finding, aerodag.engine_stage,
    aerodag.artifact, aerodag.event
    to aerodag_reader;

alter table aerodag.dataset enable row level security;
alter table aerodag.image enable row level security;
alter table aerodag.rtk_file enable row level security;
alter table aerodag.run enable row level security;
alter table aerodag.step enable row level security;
alter table aerodag.finding enable row level security;
alter table aerodag.engine_stage enable row level security;
alter table aerodag.artifact enable row level security;
alter table aerodag.event enable row level security;
alter table aerodag.outbox enable row level security;

create policy worker_all on aerodag.dataset to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.image to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.rtk_file to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.run to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.step to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.finding to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.engine_stage to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.artifact to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.event to aerodag_worker using (true) with check (true);
create policy worker_all on aerodag.outbox to aerodag_worker using (true) with check (true);

create policy reader_public_or_own on aerodag.dataset for select to aerodag_reader
    using (access = 'public' or owner = current_user);

-- The inner table's own policy applies inside each of these, so that one rule decides for everything.
create policy reader_by_dataset on aerodag.image for select to aerodag_reader
    using (exists (select from aerodag.dataset where dataset.id = image.dataset_id));
create policy reader_by_dataset on aerodag.rtk_file for select to aerodag_reader
    using (exists (select from aerodag.dataset where dataset.id = rtk_file.dataset_id));
create policy reader_by_dataset on aerodag.run for select to aerodag_reader
    using (exists (select from aerodag.dataset where dataset.id = run.dataset_id));
create policy reader_by_dataset on aerodag.artifact for select to aerodag_reader
    using (exists (select from aerodag.dataset where dataset.id = artifact.dataset_id));
create policy reader_by_run on aerodag.step for select to aerodag_reader
    using (exists (select from aerodag.run where run.id = step.run_id));
create policy reader_by_run on aerodag.finding for select to aerodag_reader
    using (exists (select from aerodag.run where run.id = finding.run_id));
create policy reader_by_run on aerodag.engine_stage for select to aerodag_reader
    using (exists (select from aerodag.run where run.id = engine_stage.run_id));
create policy reader_by_subject on aerodag.event for select to aerodag_reader
    using (
        exists (select from aerodag.dataset where dataset.id = event.dataset_id)
        or exists (select from aerodag.run where run.id = event.run_id)
    );

-- migrate:down
drop policy reader_by_subject on aerodag.event;
drop policy reader_by_run on aerodag.engine_stage;
drop policy reader_by_run on aerodag.finding;
drop policy reader_by_run on aerodag.step;
drop policy reader_by_dataset on aerodag.artifact;
drop policy reader_by_dataset on aerodag.run;
drop policy reader_by_dataset on aerodag.rtk_file;
drop policy reader_by_dataset on aerodag.image;
drop policy reader_public_or_own on aerodag.dataset;
drop policy worker_all on aerodag.outbox;
drop policy worker_all on aerodag.event;
drop policy worker_all on aerodag.artifact;
drop policy worker_all on aerodag.engine_stage;
drop policy worker_all on aerodag.finding;
drop policy worker_all on aerodag.step;
drop policy worker_all on aerodag.run;
drop policy worker_all on aerodag.rtk_file;
drop policy worker_all on aerodag.image;
drop policy worker_all on aerodag.dataset;
alter table aerodag.outbox disable row level security;
alter table aerodag.event disable row level security;
alter table aerodag.artifact disable row level security;
alter table aerodag.engine_stage disable row level security;
alter table aerodag.finding disable row level security;
alter table aerodag.step disable row level security;
alter table aerodag.run disable row level security;
alter table aerodag.rtk_file disable row level security;
alter table aerodag.image disable row level security;
alter table aerodag.dataset disable row level security;
revoke all on all tables in schema aerodag from aerodag_worker, aerodag_reader;
