-- migrate:up
-- Reports look at a window of time, lists at one dataset or at what is not done yet: each has an index that holds just
-- that, so that its cost follows what it shows and not what the ledger has seen in years.
create index step_finished_idx on aerodag.step (finished_at)
    include (run_id, name, try_number, state, duration_s) where finished_at is not null;
create index step_engine_idx on aerodag.step (finished_at desc) where name = 'odm' and state = 'succeeded';
create index engine_job_submitted_idx on aerodag.engine_job (submitted_at);
create index event_dag_run_idx on aerodag.event ((details ->> 'dag_run_id')) where kind = 'run.refused';

-- "Has no run" is about two tables, and no index can hold it.
alter table aerodag.dataset add column first_run_at timestamptz;

comment on column aerodag.dataset.first_run_at is 'When its first run was opened; null while it waits for one.';

update aerodag.dataset
set first_run_at = opened.first_run_at
from (select dataset_id, min(created_at) as first_run_at from aerodag.run group by dataset_id) as opened
where opened.dataset_id = dataset.id;

create index dataset_waiting_idx on aerodag.dataset (priority desc, created_at, id)
    where first_run_at is null and archived_at is null and quarantined_at is null;

create function aerodag.note_first_run() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    update aerodag.dataset set first_run_at = new.created_at where id = new.dataset_id and first_run_at is null;
    return null;
end
$$;

revoke execute on function aerodag.note_first_run() from public;

create trigger note_first_run after insert on aerodag.run for each row execute function aerodag.note_first_run();

create table aerodag.storage_total (
    kind text not null,
    name text not null,
    is_current boolean not null,
    files bigint not null,
    bytes bigint not null,
    primary key (kind, name, is_current)
);

comment on table aerodag.storage_total is
    'Files and bytes of all products and uploads, kept up to date by triggers: there are too many to add up for a look.';
comment on column aerodag.storage_total.kind is 'Of the product, or what was uploaded.';
comment on column aerodag.storage_total.name is 'Of the product, or the storage class where the upload is.';
comment on column aerodag.storage_total.is_current is 'Of an upload: it is not archived.';

insert into aerodag.storage_total (kind, name, is_current, files, bytes)
select kind, name, is_current, count(*), sum(bytes)
from aerodag.artifact
where removed_at is null and (kind <> 'standardised' or details -> 'reasons' is distinct from '[]')
group by kind, name, is_current
union all
select
    upload_type,
    case when quarantined_at is not null then 'quarantine' when raw_uri is null then 'incoming' else 'raw_images' end,
    archived_at is null,
    count(*),
    sum(size_bytes)
from aerodag.dataset
group by 1, 2, 3;

create function aerodag.add_to_storage_total(what text, which text, valid boolean, times integer, size bigint)
returns void
language plpgsql
set search_path = ''
as $$
begin
    -- Every writer meets the others in these few rows. They are changed as its transaction commits, one writer after
    -- the other, so that nobody holds one of them while waiting for anything else.
    perform pg_advisory_xact_lock(hashtext('aerodag.storage_total'));
    insert into aerodag.storage_total as present (kind, name, is_current, files, bytes)
    values (what, which, valid, times, times * size)
    on conflict (kind, name, is_current) do update set
        files = present.files + excluded.files,
        bytes = present.bytes + excluded.bytes;
end
$$;

create function aerodag.add_product(product aerodag.artifact, times integer) returns void
language plpgsql
set search_path = ''
as $$
begin
    -- A standard orthophoto is its own standardised view: one file, recorded twice.
    if product.removed_at is null and (product.kind <> 'standardised' or product.details -> 'reasons' is distinct from '[]')
    then
        perform aerodag.add_to_storage_total(product.kind, product.name, product.is_current, times, product.bytes);
    end if;
end
$$;

create function aerodag.add_upload(upload aerodag.dataset, times integer) returns void
language plpgsql
set search_path = ''
as $$
begin
    perform aerodag.add_to_storage_total(
        upload.upload_type,
        case
            when upload.quarantined_at is not null then 'quarantine'
            when upload.raw_uri is null then 'incoming'
            else 'raw_images'
        end,
        upload.archived_at is null,
        times,
        upload.size_bytes
    );
end
$$;

create function aerodag.keep_products_total() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op <> 'INSERT' then
        perform aerodag.add_product(old, -1);
    end if;
    if tg_op <> 'DELETE' then
        perform aerodag.add_product(new, 1);
    end if;
    return null;
end
$$;

create function aerodag.keep_uploads_total() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op <> 'INSERT' then
        perform aerodag.add_upload(old, -1);
    end if;
    if tg_op <> 'DELETE' then
        perform aerodag.add_upload(new, 1);
    end if;
    return null;
end
$$;

revoke execute on function
    aerodag.add_to_storage_total(text, text, boolean, integer, bigint),
    aerodag.add_product(aerodag.artifact, integer),
    aerodag.add_upload(aerodag.dataset, integer),
    aerodag.keep_products_total(),
    aerodag.keep_uploads_total()
    from public;

create constraint trigger keep_products_total
    after insert or delete or update of kind, name, is_current, bytes, details, removed_at on aerodag.artifact
    deferrable initially deferred
    for each row execute function aerodag.keep_products_total();

create constraint trigger keep_uploads_total
    after insert or delete or update of upload_type, raw_uri, quarantined_at, archived_at, size_bytes on aerodag.dataset
    deferrable initially deferred
    for each row execute function aerodag.keep_uploads_total();

-- Not the reader: these totals are over everybody's datasets.
grant select on aerodag.storage_total to aerodag_worker;

alter table aerodag.storage_total enable row level security;
create policy worker_all on aerodag.storage_total for select to aerodag_worker using (true);

-- migrate:down
drop trigger keep_uploads_total on aerodag.dataset;
drop trigger keep_products_total on aerodag.artifact;
drop function aerodag.keep_uploads_total();
drop function aerodag.keep_products_total();
drop function aerodag.add_upload(aerodag.dataset, integer);
drop function aerodag.add_product(aerodag.artifact, integer);
drop function aerodag.add_to_storage_total(text, text, boolean, integer, bigint);
drop table aerodag.storage_total;
drop trigger note_first_run on aerodag.run;
drop function aerodag.note_first_run();
drop index aerodag.dataset_waiting_idx;
alter table aerodag.dataset drop column first_run_at cascade;
drop index
    aerodag.step_finished_idx, aerodag.step_engine_idx, aerodag.engine_job_submitted_idx, aerodag.event_dag_run_idx;
