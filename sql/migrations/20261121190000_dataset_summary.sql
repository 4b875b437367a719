-- migrate:up
-- Lists, the map and statistics pick from all datasets by things that lie in four tables: the newest run's state, how
-- many images there are, where the product lies. One narrow row for each dataset holds them.
create table aerodag.dataset_summary (
    -- What is added up over all of them stands first: PostgreSQL reads a row from its beginning.
    dataset_id bigint primary key,
    created_at timestamptz not null,
    images integer not null,
    images_used integer not null,
    west double precision,
    south double precision,
    east double precision,
    north double precision,
    longitude double precision generated always as ((west + east) / 2) stored,
    latitude double precision generated always as ((south + north) / 2) stored,
    state text not null,
    access text not null,
    owner text not null,
    upload_type text not null,
    words text not null,
    run_id bigint,
    area_m2 double precision,
    gsd_m double precision,
    rtk_fix_share double precision,
    orthophoto_id bigint,
    thumbnail_id bigint,
    place box generated always as (box(point(west, south), point(east, north))) stored,
    made_in xid8 not null default pg_current_xact_id()
) with (fillfactor = 85);

comment on table aerodag.dataset_summary is
    'What is picked from and added up over all datasets that are not archived. Triggers keep it up to date as a '
    'transaction commits; aerodag.summary_of says how each row is made, aerodag.summarise_all makes all anew.';
comment on column aerodag.dataset_summary.images_used is 'Those that go to the engine.';
comment on column aerodag.dataset_summary.west is
    'Edge of the orthophoto in degrees, before there is one of the positions of the images used.';
comment on column aerodag.dataset_summary.east is 'Beyond 180 where the place crosses the antimeridian.';
comment on column aerodag.dataset_summary.longitude is 'The middle; beyond 180 where it lies behind the antimeridian.';
comment on column aerodag.dataset_summary.state is
    'Of the newest run; waiting before there is one; quarantined where the upload lies in quarantine and no run of it '
    'works or went well.';
comment on column aerodag.dataset_summary.words is 'What a search looks into, in lower case: id, name, owner, project.';
comment on column aerodag.dataset_summary.run_id is 'The newest run.';
comment on column aerodag.dataset_summary.area_m2 is 'Of the valid pixels of the orthophoto.';
comment on column aerodag.dataset_summary.rtk_fix_share is
    'Share of the images with a fixed RTK position; null where no image tells how its position was made.';
comment on column aerodag.dataset_summary.made_in is 'The transaction that made the row.';

create index dataset_summary_newest_idx on aerodag.dataset_summary (created_at desc, dataset_id desc);
create index dataset_summary_state_idx on aerodag.dataset_summary (state, created_at desc, dataset_id desc);
create index dataset_summary_upload_type_idx on aerodag.dataset_summary (upload_type, created_at desc, dataset_id desc);
create index dataset_summary_place_idx on aerodag.dataset_summary using gist (place) where place is not null;
create index dataset_summary_west_idx on aerodag.dataset_summary (west);
create index dataset_summary_south_idx on aerodag.dataset_summary (south);
create index dataset_summary_east_idx on aerodag.dataset_summary (east);
create index dataset_summary_north_idx on aerodag.dataset_summary (north);

-- Statistics over the last weeks are read from the index alone.
drop index aerodag.run_finished_idx;
create index run_finished_idx on aerodag.run (finished_at) include (dataset_id, state) where finished_at is not null;

create table aerodag.dataset_total (
    audience text not null,
    state text not null,
    datasets bigint not null,
    images bigint not null,
    area_m2 double precision not null,
    primary key (audience, state)
);

comment on table aerodag.dataset_total is 'The summaries of all datasets added up, kept up to date with them.';
comment on column aerodag.dataset_total.audience is 'The owner of private datasets; empty for those that everybody sees.';

create function aerodag.summary_of(wanted bigint) returns setof aerodag.dataset_summary
language sql
stable
set search_path = ''
as $$
    select
        dataset.id, dataset.created_at, taken.images, taken.used,
        case when orthophoto.id is null then taken.west else orthophoto.bbox[1] end,
        case when orthophoto.id is null then taken.south else orthophoto.bbox[2] end,
        case
            when orthophoto.id is null then taken.east
            when orthophoto.bbox[3] < orthophoto.bbox[1] then orthophoto.bbox[3] + 360
            else orthophoto.bbox[3]
        end,
        case when orthophoto.id is null then taken.north else orthophoto.bbox[4] end,
        null::double precision, null::double precision,
        case
            when dataset.quarantined_at is not null and coalesce(newest.state, 'failed') in ('failed', 'cancelled')
                then 'quarantined'
            else coalesce(newest.state, 'waiting')
        end,
        dataset.access, dataset.owner, dataset.upload_type,
        lower(concat_ws(' ', dataset.id, dataset.name, dataset.owner, dataset.project)),
        newest.id,
        (orthophoto.details -> 'raster' ->> 'valid_area_m2')::double precision, orthophoto.gsd_m, taken.fix_share,
        orthophoto.id, thumbnail.id,
        null::box, null::xid8
    from aerodag.dataset
    left join lateral (
        select run.id, run.state
        from aerodag.run
        where run.dataset_id = dataset.id
        order by run.attempt_at desc, run.id desc
        limit 1
    ) as newest on true
    cross join lateral (
        select
            count(*)::integer as images,
            (count(*) filter (where image.status = 'assigned'))::integer as used,
            case
                when count(image.rtk_flag) > 0
                    then (count(*) filter (where image.rtk_flag >= 50))::double precision / count(*)
            end as fix_share,
            -- Farther apart than half the Earth they lie on both sides of the antimeridian.
            case
                when max(image.longitude) - min(image.longitude) > 180
                    then min(image.longitude) filter (where image.longitude > 0)
                else min(image.longitude)
            end as west,
            min(image.latitude) as south,
            case
                when max(image.longitude) - min(image.longitude) > 180
                    then max(image.longitude) filter (where image.longitude <= 0) + 360
                else max(image.longitude)
            end as east,
            max(image.latitude) as north
        from (
            select
                status, rtk_flag,
                case when status = 'assigned' then longitude end as longitude,
                case when status = 'assigned' and longitude is not null then latitude end as latitude
            from aerodag.image
            where image.dataset_id = dataset.id
        ) as image
    ) as taken
    left join aerodag.artifact as orthophoto
        on orthophoto.dataset_id = dataset.id
        and orthophoto.kind = 'orthophoto'
        and orthophoto.name = ''
        and orthophoto.is_current
        and orthophoto.bbox is not null
    left join aerodag.artifact as thumbnail
        on thumbnail.dataset_id = dataset.id
        and thumbnail.kind = 'thumbnail'
        and thumbnail.name = ''
        and thumbnail.is_current
        and thumbnail.removed_at is null
    where dataset.id = wanted and dataset.archived_at is null
$$;

create function aerodag.add_to_dataset_total(summary aerodag.dataset_summary, times integer) returns void
language sql
set search_path = ''
as $$
    insert into aerodag.dataset_total as present (audience, state, datasets, images, area_m2)
    values (
        case summary.access when 'private' then summary.owner else '' end,
        summary.state,
        times,
        times * summary.images,
        times * coalesce(summary.area_m2, 0)
    )
    on conflict (audience, state) do update set
        datasets = present.datasets + excluded.datasets,
        images = present.images + excluded.images,
        area_m2 = present.area_m2 + excluded.area_m2
$$;

create function aerodag.summarise(wanted bigint) returns void
language plpgsql
set search_path = ''
as $$
declare
    present aerodag.dataset_summary;
    fresh aerodag.dataset_summary;
begin
    -- At commit all that the transaction changed is there: once is enough for all of its rows.
    if exists (
        select from aerodag.dataset_summary where dataset_id = wanted and made_in = pg_current_xact_id()
    ) then
        return;
    end if;
    -- One writer after the other, who then sees what the one before committed. It is the lock of the storage totals,
    -- which are kept at commit too: two locks could be waited for in either order.
    perform pg_advisory_xact_lock(hashtext('aerodag.storage_total'));
    select * into present from aerodag.dataset_summary where dataset_id = wanted;
    if found then
        perform aerodag.add_to_dataset_total(present, -1);
    end if;
    select * into fresh from aerodag.summary_of(wanted);
    if not found then
        delete from aerodag.dataset_summary where dataset_id = wanted;
        return;
    end if;
    perform aerodag.add_to_dataset_total(fresh, 1);
    insert into aerodag.dataset_summary (
        dataset_id, created_at, images, images_used, west, south, east, north, state, access, owner, upload_type, words,
        run_id, area_m2, gsd_m, rtk_fix_share, orthophoto_id, thumbnail_id
    )
    values (
        fresh.dataset_id, fresh.created_at, fresh.images, fresh.images_used, fresh.west, fresh.south, fresh.east,
        fresh.north, fresh.state, fresh.access, fresh.owner, fresh.upload_type, fresh.words, fresh.run_id, fresh.area_m2,
        fresh.gsd_m, fresh.rtk_fix_share, fresh.orthophoto_id, fresh.thumbnail_id
    )
    on conflict (dataset_id) do update set
        images = excluded.images,
        images_used = excluded.images_used,
        west = excluded.west,
        south = excluded.south,
        east = excluded.east,
        north = excluded.north,
        state = excluded.state,
        access = excluded.access,
        owner = excluded.owner,
        words = excluded.words,
        run_id = excluded.run_id,
        area_m2 = excluded.area_m2,
        gsd_m = excluded.gsd_m,
        rtk_fix_share = excluded.rtk_fix_share,
        orthophoto_id = excluded.orthophoto_id,
        thumbnail_id = excluded.thumbnail_id,
        made_in = excluded.made_in;
end
$$;

create function aerodag.summarise_all() returns void
language sql
set search_path = ''
as $$
    select pg_advisory_xact_lock(hashtext('aerodag.storage_total'));
    delete from aerodag.dataset_total;
    delete from aerodag.dataset_summary;
    insert into aerodag.dataset_summary (
        dataset_id, created_at, images, images_used, west, south, east, north, state, access, owner, upload_type, words,
        run_id, area_m2, gsd_m, rtk_fix_share, orthophoto_id, thumbnail_id
    )
    select
        fresh.dataset_id, fresh.created_at, fresh.images, fresh.images_used, fresh.west, fresh.south, fresh.east,
        fresh.north, fresh.state, fresh.access, fresh.owner, fresh.upload_type, fresh.words, fresh.run_id, fresh.area_m2,
        fresh.gsd_m, fresh.rtk_fix_share, fresh.orthophoto_id, fresh.thumbnail_id
    from aerodag.dataset
    cross join lateral aerodag.summary_of(dataset.id) as fresh
    order by dataset.id;
    insert into aerodag.dataset_total (audience, state, datasets, images, area_m2)
    select
        case summary.access when 'private' then summary.owner else '' end, summary.state, count(*), sum(summary.images),
        coalesce(sum(summary.area_m2), 0)
    from aerodag.dataset_summary as summary
    group by 1, 2;
$$;

create function aerodag.keep_summary_of_dataset() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform aerodag.summarise(case tg_op when 'DELETE' then old.id else new.id end);
    return null;
end
$$;

create function aerodag.keep_summary() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform aerodag.summarise(case tg_op when 'DELETE' then old.dataset_id else new.dataset_id end);
    return null;
end
$$;

revoke execute on function
    aerodag.summary_of(bigint),
    aerodag.add_to_dataset_total(aerodag.dataset_summary, integer),
    aerodag.summarise(bigint),
    aerodag.summarise_all(),
    aerodag.keep_summary_of_dataset(),
    aerodag.keep_summary()
    from public;

create constraint trigger keep_summary
    after insert or delete or update of name, owner, project, access, quarantined_at, archived_at on aerodag.dataset
    deferrable initially deferred
    for each row execute function aerodag.keep_summary_of_dataset();

create constraint trigger keep_summary
    after insert or update of state, attempt_at on aerodag.run
    deferrable initially deferred
    for each row execute function aerodag.keep_summary();

create constraint trigger keep_summary
    after insert or update of is_current, bbox, gsd_m, details, removed_at on aerodag.artifact
    deferrable initially deferred
    for each row when (new.kind in ('orthophoto', 'thumbnail') and new.name = '')
    execute function aerodag.keep_summary();

create constraint trigger keep_summary
    after insert or delete or update of status, rtk_flag, longitude, latitude on aerodag.image
    deferrable initially deferred
    for each row execute function aerodag.keep_summary();

select aerodag.summarise_all();

-- Not the reader: what it may see is a matter of the tables behind.
grant select on aerodag.dataset_summary, aerodag.dataset_total to aerodag_worker;

alter table aerodag.dataset_summary enable row level security;
alter table aerodag.dataset_total enable row level security;
create policy worker_all on aerodag.dataset_summary for select to aerodag_worker using (true);
create policy worker_all on aerodag.dataset_total for select to aerodag_worker using (true);

-- migrate:down
drop trigger keep_summary on aerodag.image;
drop trigger keep_summary on aerodag.artifact;
drop trigger keep_summary on aerodag.run;
drop trigger keep_summary on aerodag.dataset;
drop function aerodag.keep_summary();
drop function aerodag.keep_summary_of_dataset();
drop function aerodag.summarise_all();
drop function aerodag.summarise(bigint);
drop function aerodag.add_to_dataset_total(aerodag.dataset_summary, integer);
drop function aerodag.summary_of(bigint);
drop table aerodag.dataset_total;
drop table aerodag.dataset_summary cascade;
drop index aerodag.run_finished_idx;
create index run_finished_idx on aerodag.run (finished_at) where finished_at is not null;
