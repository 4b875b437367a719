-- migrate:up
-- What somebody keeps private is told to nobody else: who uploads the same content gets a dataset of their own.
drop index aerodag.dataset_content_key;
create unique index dataset_content_key
    on aerodag.dataset (content_sha256, (case when access = 'private' then owner else '' end))
    where archived_at is null;

create function aerodag.first_run_id(dataset aerodag.dataset) returns text
language sql
stable
set search_path = ''
as $$
    select case when dataset.access = 'private' then 'dataset_' || dataset.id else dataset.name end
        || '__' || left(dataset.content_sha256, 12)
$$;

comment on function aerodag.first_run_id is
    'Airflow''s id of a dataset''s first run: a function of the content, and without the name where that is private.';

-- migrate:down
drop function aerodag.first_run_id;
drop index aerodag.dataset_content_key;
create unique index dataset_content_key on aerodag.dataset (content_sha256) where archived_at is null;
