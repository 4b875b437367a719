--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: aerodag; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA aerodag;

--
-- Name: SCHEMA aerodag; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA aerodag IS 'What happened to every dataset. Everything in bytes, metres, degrees (WGS84) and UTC unless a comment says otherwise.';

--
-- Name: public; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA public;

--
-- Name: SCHEMA public; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA public IS 'standard public schema';

--
-- Name: v2_status; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.v2_status AS ENUM (
    'idle',
    'uploading',
    'ortho_processing',
    'cog_processing',
    'thumbnail_processing',
    'deadwood_segmentation',
    'forest_cover_segmentation',
    'audit_in_progress',
    'metadata_processing',
    'odm_processing',
    'deadwood_treecover_combined_segmentation',
    'aoi_segmentation',
    'embedding_processing'
);

--
-- Name: TYPE v2_status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TYPE public.v2_status IS 'Part of the platform''s contract; this pipeline uses those of its own steps.';

--
-- Name: add_ending(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.add_ending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    -- Writers meet in these few rows as in those of storage_total, and behind the same lock: whoever has it waits for
    -- nobody.
    perform pg_advisory_xact_lock(hashtext('aerodag.storage_total'));

    insert into aerodag.ending_total as present (state, preset, engine, code, category, runs, images, gpu_seconds)
    values (
        new.state, new.preset, new.engine, coalesce(new.failure_code, ''), coalesce(new.failure_category, ''), 1,
        (
            select coalesce(sum((step.metrics ->> 'images')::numeric), 0)
            from aerodag.step
            where step.run_id = new.id
                and step.name = 'odm'
                and step.state = 'succeeded'
                and step.recorded_at >= new.attempt_at
                and jsonb_typeof(step.metrics -> 'images') = 'number'
                and step.metrics ->> 'reused' is null
        ),
        (
            select coalesce(sum(
                extract(epoch from greatest(coalesce(job.ended_at, job.discarded_at, clock_timestamp()) - job.submitted_at, '0'))
                * case
                    when jsonb_typeof(new.plan #> '{gpu,devices}') = 'array'
                        then greatest(jsonb_array_length(new.plan #> '{gpu,devices}'), 1)
                    else 1
                end
            ), 0)
            from (
                select
                    engine_job.*,
                    -- After such a failure the plan goes without.
                    max(attempt) filter (where failure_code like 'engine.gpu%') over () as last_gpu_failure
                from aerodag.engine_job
                where engine_job.run_id = new.id and engine_job.submitted_at >= new.attempt_at
            ) as job
            where new.plan #> '{gpu,granted}' = 'true' or job.attempt <= job.last_gpu_failure
        )
    )
    on conflict (state, preset, engine, code, category) do update set
        runs = present.runs + excluded.runs,
        images = present.images + excluded.images,
        gpu_seconds = present.gpu_seconds + excluded.gpu_seconds;

    insert into aerodag.duration_total as present (kind, name, engine, outcome, bound, times, seconds)
    select
        taken.kind, taken.name, taken.engine, taken.outcome, bound,
        count(*) filter (where taken.seconds <= bound),
        coalesce(sum(taken.seconds) filter (where taken.seconds <= bound), 0)
    from (
        select
            'run' as kind, new.preset as name, new.engine, new.state as outcome,
            extract(epoch from new.finished_at - new.attempt_at)::double precision as seconds
        union all
        select 'step', step.name, '', step.state, step.duration_s
        from aerodag.step
        where step.run_id = new.id
            and step.state in ('succeeded', 'failed', 'retrying')
            and step.recorded_at >= new.attempt_at
        union all
        select
            'stage', engine_stage.stage, new.engine, '',
            extract(epoch from engine_stage.finished_at - engine_stage.started_at)::double precision
        from aerodag.engine_stage
        where engine_stage.run_id = new.id and engine_stage.started_at >= new.attempt_at
    ) as taken
    cross join unnest(aerodag.duration_bounds()) as bound
    where taken.seconds >= 0
    group by taken.kind, taken.name, taken.engine, taken.outcome, bound
    on conflict (kind, name, engine, outcome, bound) do update set
        times = present.times + excluded.times,
        seconds = present.seconds + excluded.seconds;
    return null;
end
$$;

--
-- Name: FUNCTION add_ending(); Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON FUNCTION aerodag.add_ending() IS 'Adds an attempt that has ended to the totals, with its steps up to now: cleanup comes after the end.';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: artifact; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.artifact (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    kind text NOT NULL,
    uri text NOT NULL,
    bytes bigint NOT NULL,
    sha256 text,
    crs text,
    bbox double precision[],
    footprint jsonb,
    gsd_m double precision,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_current boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT artifact_bbox_check CHECK ((array_length(bbox, 1) = 4)),
    CONSTRAINT artifact_bytes_check CHECK ((bytes >= 0)),
    CONSTRAINT artifact_gsd_m_check CHECK ((gsd_m > (0)::double precision)),
    CONSTRAINT artifact_kind_check CHECK ((kind = ANY (ARRAY['orthophoto'::text, 'standardised'::text, 'cog'::text, 'thumbnail'::text, 'metadata'::text, 'preflight'::text, 'previews'::text, 'report'::text, 'shots'::text, 'cameras'::text, 'dsm'::text, 'dtm'::text, 'indices'::text, 'stac'::text, 'engine_log'::text, 'forensics'::text, 'unregistered'::text, 'point_cloud'::text, 'mesh'::text, 'statistics'::text])))
);

--
-- Name: TABLE artifact; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.artifact IS 'A product of a run. Of each kind, one per dataset is current; earlier ones stay on record.';

--
-- Name: COLUMN artifact.crs; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.artifact.crs IS 'Of the raster itself, as authority code (EPSG:32632) or WKT.';

--
-- Name: COLUMN artifact.bbox; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.artifact.bbox IS 'West, south, east, north in degrees WGS84.';

--
-- Name: COLUMN artifact.footprint; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.artifact.footprint IS 'GeoJSON geometry in degrees WGS84.';

--
-- Name: COLUMN artifact.gsd_m; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.artifact.gsd_m IS 'Pixel size on the ground in metres.';

--
-- Name: COLUMN artifact.is_current; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.artifact.is_current IS 'Valid for the dataset now. Products of a rerun become so together, when the run finishes; the earlier ones stay on record and on storage.';

--
-- Name: COLUMN artifact.name; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.artifact.name IS 'Tells several products of one kind apart: archive (of kind cog), ndvi (of kind indices), 256.jpeg (of kind thumbnail); empty for the main one.';

--
-- Name: COLUMN artifact.removed_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.artifact.removed_at IS 'When its file was removed by retention; the row stays as the record. Null while the file is kept.';

--
-- Name: add_product(aerodag.artifact, integer); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.add_product(product aerodag.artifact, times integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    -- A standard orthophoto is its own standardised view: one file, recorded twice.
    if product.removed_at is null and (product.kind <> 'standardised' or product.details -> 'reasons' is distinct from '[]')
    then
        perform aerodag.add_to_storage_total(product.kind, product.name, product.is_current, times, product.bytes);
    end if;
end
$$;

--
-- Name: dataset_summary; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.dataset_summary (
    dataset_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    images integer NOT NULL,
    images_used integer NOT NULL,
    west double precision,
    south double precision,
    east double precision,
    north double precision,
    longitude double precision GENERATED ALWAYS AS (((west + east) / (2)::double precision)) STORED,
    latitude double precision GENERATED ALWAYS AS (((south + north) / (2)::double precision)) STORED,
    state text NOT NULL,
    access text NOT NULL,
    owner text NOT NULL,
    upload_type text NOT NULL,
    words text NOT NULL,
    run_id bigint,
    area_m2 double precision,
    gsd_m double precision,
    rtk_fix_share double precision,
    orthophoto_id bigint,
    thumbnail_id bigint,
    place box GENERATED ALWAYS AS (box(point(west, south), point(east, north))) STORED,
    made_in xid8 DEFAULT pg_current_xact_id() NOT NULL
)
WITH (fillfactor='85');

--
-- Name: TABLE dataset_summary; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.dataset_summary IS 'What is picked from and added up over all datasets that are not archived. Triggers keep it up to date as a transaction commits; aerodag.summary_of says how each row is made, aerodag.summarise_all makes all anew.';

--
-- Name: COLUMN dataset_summary.images_used; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.images_used IS 'Those that go to the engine.';

--
-- Name: COLUMN dataset_summary.west; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.west IS 'Edge of the orthophoto in degrees, before there is one of the positions of the images used.';

--
-- Name: COLUMN dataset_summary.east; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.east IS 'Beyond 180 where the place crosses the antimeridian.';

--
-- Name: COLUMN dataset_summary.longitude; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.longitude IS 'The middle; beyond 180 where it lies behind the antimeridian.';

--
-- Name: COLUMN dataset_summary.state; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.state IS 'Of the newest run if that is under way; waiting where the first or a further run waits for its turn; quarantined where the upload lies in quarantine and no run of it went well; otherwise how the newest run ended.';

--
-- Name: COLUMN dataset_summary.words; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.words IS 'What a search looks into, in lower case: id, name, owner, project.';

--
-- Name: COLUMN dataset_summary.run_id; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.run_id IS 'The newest run.';

--
-- Name: COLUMN dataset_summary.area_m2; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.area_m2 IS 'Of the valid pixels of the orthophoto.';

--
-- Name: COLUMN dataset_summary.rtk_fix_share; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.rtk_fix_share IS 'Share of the images with a fixed RTK position; null where no image tells how its position was made.';

--
-- Name: COLUMN dataset_summary.made_in; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_summary.made_in IS 'The transaction that made the row.';

--
-- Name: add_to_dataset_total(aerodag.dataset_summary, integer); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.add_to_dataset_total(summary aerodag.dataset_summary, times integer) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
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

--
-- Name: add_to_storage_total(text, text, boolean, integer, bigint); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.add_to_storage_total(what text, which text, valid boolean, times integer, size bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

--
-- Name: dataset; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.dataset (
    id bigint NOT NULL,
    name text NOT NULL,
    owner text NOT NULL,
    source_uri text NOT NULL,
    raw_uri text,
    content_sha256 text NOT NULL,
    size_bytes bigint NOT NULL,
    upload_type text NOT NULL,
    captured_from timestamp with time zone,
    captured_to timestamp with time zone,
    captured_source text,
    licence text,
    platform text,
    project text,
    authors text[] DEFAULT '{}'::text[] NOT NULL,
    access text DEFAULT 'public'::text NOT NULL,
    citation_doi text,
    notes text,
    priority smallint DEFAULT 3 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    start_asked_at timestamp with time zone,
    quarantined_at timestamp with time zone,
    archived_at timestamp with time zone,
    start_asks smallint DEFAULT 0 NOT NULL,
    first_run_at timestamp with time zone,
    CONSTRAINT dataset_access_check CHECK ((access = ANY (ARRAY['public'::text, 'private'::text, 'viewonly'::text]))),
    CONSTRAINT dataset_check CHECK ((captured_from <= captured_to)),
    CONSTRAINT dataset_content_sha256_check CHECK ((content_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT dataset_platform_check CHECK ((platform = ANY (ARRAY['drone'::text, 'airborne'::text, 'satellite'::text]))),
    CONSTRAINT dataset_priority_check CHECK (((priority >= 1) AND (priority <= 5))),
    CONSTRAINT dataset_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT dataset_upload_type_check CHECK ((upload_type = ANY (ARRAY['raw_images_zip'::text, 'geotiff'::text, 'video'::text])))
);

--
-- Name: TABLE dataset; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.dataset IS 'One upload. The same content is registered once while it is not archived.';

--
-- Name: COLUMN dataset.owner; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.owner IS 'Who brought it: the user of the web page, or the login that owned the file. The database login and the Airflow user of that name see it whatever its access is.';

--
-- Name: COLUMN dataset.source_uri; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.source_uri IS 'Where the upload was found first.';

--
-- Name: COLUMN dataset.raw_uri; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.raw_uri IS 'Where the upload is now; unknown until it has been moved out of the incoming location.';

--
-- Name: COLUMN dataset.captured_source; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.captured_source IS 'What captured_from and captured_to were read from; unknown dates stay null.';

--
-- Name: COLUMN dataset.priority; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.priority IS '1 background, 2 batch, 3 normal, 4 high, 5 urgent.';

--
-- Name: COLUMN dataset.start_asked_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.start_asked_at IS 'When Airflow was last asked to start the first run; a request that led to no run expires after a minute, each further one after four times as long.';

--
-- Name: COLUMN dataset.quarantined_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.quarantined_at IS 'Set while raw_uri points into the quarantine.';

--
-- Name: COLUMN dataset.start_asks; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.start_asks IS 'How often Airflow was asked to start the first run.';

--
-- Name: COLUMN dataset.first_run_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset.first_run_at IS 'When its first run was opened; null while it waits for one.';

--
-- Name: add_upload(aerodag.dataset, integer); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.add_upload(upload aerodag.dataset, times integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

--
-- Name: derive_run_state(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.derive_run_state() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    present aerodag.run;
    culprit aerodag.step;
begin
    if new.name = 'cleanup' then
        return null;
    end if;
    if exists (
        select from aerodag.step as later
        where later.run_id = new.run_id and later.name = new.name and later.map_index = new.map_index
            and later.try_number > new.try_number
    ) then
        return null;
    end if;

    select * into present from aerodag.run where id = new.run_id for no key update;

    if new.state = 'running' then
        if present.state = 'running' then
            return null;
        end if;
        begin
            update aerodag.run
            set state = 'running',
                started_at = coalesce(started_at, new.started_at, clock_timestamp()),
                finished_at = null,
                attempt_at = case when state = 'queued' then attempt_at else clock_timestamp() end,
                failure_code = null, failure_category = null, message = null, advice = null
            where id = new.run_id;
        exception when unique_violation then
            -- Another run of the dataset is active. The record of the step stands; the task itself is told
            -- when it asks to resume the run.
            null;
        end;
        return null;
    end if;

    if present.state in ('queued', 'running') then
        if new.name = 'finish' and new.state = 'succeeded' then
            update aerodag.run
            set state = case
                    when exists (
                        select from aerodag.finding
                        where finding.run_id = new.run_id and finding.severity in ('degraded', 'error')
                    ) then 'degraded'
                    else 'succeeded'
                end,
                finished_at = coalesce(new.finished_at, clock_timestamp()),
                failure_code = null, failure_category = null, message = null, advice = null
            where id = new.run_id;
            return null;
        end if;

        select newest.* into culprit
        from (
            select distinct on (name, map_index) *
            from aerodag.step
            where run_id = new.run_id and name <> 'cleanup'
            order by name, map_index, try_number desc
        ) as newest
        where newest.state in ('running', 'retrying')
            or (newest.state = 'failed' and newest.recorded_at >= present.attempt_at)
        order by newest.state = 'failed', newest.finished_at
        limit 1;

        if culprit.state = 'failed' then
            update aerodag.run
            set state = case culprit.failure_category when 'cancelled' then 'cancelled' else 'failed' end,
                finished_at = coalesce(new.finished_at, clock_timestamp()),
                failure_code = culprit.failure_code,
                failure_category = culprit.failure_category,
                message = culprit.message,
                advice = culprit.advice
            where id = new.run_id;
        end if;
    elsif present.state in ('succeeded', 'degraded') and new.state = 'failed' then
        update aerodag.run
        set state = case new.failure_category when 'cancelled' then 'cancelled' else 'failed' end,
            finished_at = coalesce(new.finished_at, clock_timestamp()),
            failure_code = new.failure_code,
            failure_category = new.failure_category,
            message = new.message,
            advice = new.advice
        where id = new.run_id;
    end if;
    return null;
end
$$;

--
-- Name: FUNCTION derive_run_state(); Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON FUNCTION aerodag.derive_run_state() IS 'The newest try of each step decides; cleanup never does. A step that starts makes the run running, also one that had ended. While a step runs or waits for its retry the run stays running; once none does, the first failure of the present attempt makes it failed. Success of finish makes it succeeded, or degraded where a finding of the run is degraded or error. A run that was closed is not opened again by a late end of a step.';

--
-- Name: duration_bounds(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.duration_bounds() RETURNS double precision[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO ''
    RETURN ARRAY[(1)::double precision, (5)::double precision, (15)::double precision, (60)::double precision, (300)::double precision, (900)::double precision, (1800)::double precision, (3600)::double precision, (7200)::double precision, (14400)::double precision, (28800)::double precision, (57600)::double precision, (86400)::double precision, 'Infinity'::double precision];

--
-- Name: FUNCTION duration_bounds(); Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON FUNCTION aerodag.duration_bounds() IS 'Upper bounds of the classes that durations are counted in, seconds.';

--
-- Name: first_run_id(aerodag.dataset); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.first_run_id(dataset aerodag.dataset) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
    select case when dataset.access = 'private' then 'dataset_' || dataset.id else dataset.name end
        || '__' || left(dataset.content_sha256, 12)
$$;

--
-- Name: FUNCTION first_run_id(dataset aerodag.dataset); Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON FUNCTION aerodag.first_run_id(dataset aerodag.dataset) IS 'Airflow''s id of a dataset''s first run: a function of the content, and without the name where that is private.';

--
-- Name: keep_products_total(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.keep_products_total() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

--
-- Name: keep_summary(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.keep_summary() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform aerodag.summarise(case tg_op when 'DELETE' then old.dataset_id else new.dataset_id end);
    return null;
end
$$;

--
-- Name: keep_summary_of_dataset(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.keep_summary_of_dataset() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform aerodag.summarise(case tg_op when 'DELETE' then old.id else new.id end);
    return null;
end
$$;

--
-- Name: keep_uploads_total(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.keep_uploads_total() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

--
-- Name: note_first_run(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.note_first_run() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    update aerodag.dataset set first_run_at = new.created_at where id = new.dataset_id and first_run_at is null;
    return null;
end
$$;

--
-- Name: summarise(bigint); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.summarise(wanted bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

--
-- Name: summarise_all(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.summarise_all() RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
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

--
-- Name: summary_of(bigint); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.summary_of(wanted bigint) RETURNS SETOF aerodag.dataset_summary
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $$
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
            when newest.state in ('queued', 'running') then newest.state
            when exists (
                select from aerodag.start_request
                where start_request.dataset_id = dataset.id
                    and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
            ) then 'waiting'
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

--
-- Name: tell(text, bigint, bigint, bigint, jsonb); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.tell(event_name text, about_dataset bigint, about_run bigint, about_event bigint, facts jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    insert into aerodag.outbox (subscription_id, run_id, event_id, event, recipient, payload)
    select distinct on (subscription.address)
        subscription.id, about_run, about_event, event_name, subscription.address,
        facts || jsonb_build_object(
            'dataset', case when dataset.id is not null then
                jsonb_build_object('id', dataset.id, 'name', dataset.name, 'owner', dataset.owner)
            end,
            'run', case when run.id is not null then
                jsonb_build_object(
                    'id', run.id, 'dag_run_id', run.dag_run_id, 'state', run.state, 'preset', run.preset,
                    'engine', run.engine, 'started_at', run.started_at, 'finished_at', run.finished_at
                )
            end
        )
    from aerodag.subscription
    left join aerodag.dataset on dataset.id = about_dataset
    left join aerodag.run on run.id = about_run
    where subscription.active
        and event_name = any(subscription.events)
        and (subscription.owner is null or subscription.owner = dataset.owner)
    order by subscription.address, subscription.owner nulls last
    on conflict do nothing
$$;

--
-- Name: FUNCTION tell(event_name text, about_dataset bigint, about_run bigint, about_event bigint, facts jsonb); Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON FUNCTION aerodag.tell(event_name text, about_dataset bigint, about_run bigint, about_event bigint, facts jsonb) IS 'Makes a notification for each subscriber who was not told yet; of two subscriptions of one address, the owner''s.';

--
-- Name: tell_end_of_run(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.tell_end_of_run() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform aerodag.tell(
        'run.' || new.state, new.dataset_id, new.id, null,
        jsonb_build_object(
            'code', new.failure_code,
            'category', new.failure_category,
            'message', new.message,
            'advice', new.advice,
            'findings', coalesce(
                (
                    select jsonb_agg(jsonb_build_object('code', code, 'message', message, 'advice', advice) order by id)
                    from (
                        select * from aerodag.finding
                        where finding.run_id = new.id and finding.severity in ('degraded', 'error')
                        order by finding.id
                        limit 5
                    ) as first_ones
                ),
                '[]'
            )
        )
    );
    return null;
end
$$;

--
-- Name: tell_event(); Type: FUNCTION; Schema: aerodag; Owner: -
--

CREATE FUNCTION aerodag.tell_event() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
    perform aerodag.tell(
        new.kind, coalesce(new.dataset_id, (select dataset_id from aerodag.run where id = new.run_id)), new.run_id,
        new.id, jsonb_build_object('message', new.message, 'details', new.details)
    );
    return null;
end
$$;

--
-- Name: artifact_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.artifact ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.artifact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: check_result; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.check_result (
    run_id bigint NOT NULL,
    name text NOT NULL,
    value double precision,
    comparison text NOT NULL,
    threshold double precision NOT NULL,
    upper_threshold double precision,
    verdict text NOT NULL,
    reason text,
    evaluated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT check_result_check CHECK (((verdict = 'unknown'::text) = (value IS NULL))),
    CONSTRAINT check_result_check1 CHECK (((value IS NULL) = (reason IS NOT NULL))),
    CONSTRAINT check_result_verdict_check CHECK ((verdict = ANY (ARRAY['pass'::text, 'warn'::text, 'fail'::text, 'unknown'::text])))
);

--
-- Name: TABLE check_result; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.check_result IS 'How a run fared in each check, with the thresholds that it was judged by.';

--
-- Name: COLUMN check_result.reason; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.check_result.reason IS 'Why there is no value; null where there is one.';

--
-- Name: step; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.step (
    run_id bigint NOT NULL,
    name text NOT NULL,
    map_index integer DEFAULT '-1'::integer NOT NULL,
    try_number integer NOT NULL,
    state text NOT NULL,
    host text,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    duration_s double precision GENERATED ALWAYS AS ((EXTRACT(epoch FROM (finished_at - started_at)))::double precision) STORED,
    metrics jsonb DEFAULT '{}'::jsonb NOT NULL,
    failure_code text,
    failure_category text,
    message text,
    advice text,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT step_failure_category_check CHECK ((failure_category = ANY (ARRAY['data'::text, 'config'::text, 'engine'::text, 'resources'::text, 'infrastructure'::text, 'cancelled'::text]))),
    CONSTRAINT step_state_check CHECK ((state = ANY (ARRAY['running'::text, 'succeeded'::text, 'failed'::text, 'retrying'::text, 'skipped'::text]))),
    CONSTRAINT step_try_number_check CHECK ((try_number >= 0))
);

--
-- Name: TABLE step; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.step IS 'One try of one task of a run; tries are added, never replaced.';

--
-- Name: COLUMN step.map_index; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.step.map_index IS '-1 where the task is not mapped.';

--
-- Name: COLUMN step.state; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.step.state IS 'retrying: this try failed and Airflow will start another.';

--
-- Name: COLUMN step.started_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.step.started_at IS 'By the clock of the worker, as finished_at.';

--
-- Name: COLUMN step.metrics; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.step.metrics IS 'Figures of the step by name: bytes, images, peak_rss_bytes, gpu_used ...';

--
-- Name: COLUMN step.recorded_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.step.recorded_at IS 'When the row was last written, by the clock of the database.';

--
-- Name: current_product; Type: VIEW; Schema: aerodag; Owner: -
--

CREATE VIEW aerodag.current_product WITH (security_invoker='true') AS
 SELECT artifact.id,
    artifact.run_id,
    artifact.dataset_id,
    artifact.kind,
    artifact.uri,
    artifact.bytes,
    artifact.sha256,
    artifact.crs,
    artifact.bbox,
    artifact.footprint,
    artifact.gsd_m,
    artifact.details,
    artifact.is_current,
    artifact.created_at,
    artifact.updated_at,
    artifact.name,
    artifact.removed_at,
    made.version,
    making.duration_s
   FROM ((aerodag.artifact
     CROSS JOIN LATERAL ( SELECT (count(*))::integer AS version
           FROM aerodag.artifact up_to_it
          WHERE ((up_to_it.dataset_id = artifact.dataset_id) AND (up_to_it.kind = artifact.kind) AND (up_to_it.name = artifact.name) AND (up_to_it.id <= artifact.id))) made)
     LEFT JOIN LATERAL ( SELECT step.duration_s
           FROM aerodag.step
          WHERE ((step.run_id = artifact.run_id) AND (step.name =
                CASE artifact.kind
                    WHEN 'orthophoto'::text THEN 'publish_ortho'::text
                    WHEN 'standardised'::text THEN 'standardise'::text
                    ELSE artifact.kind
                END) AND (step.state = 'succeeded'::text))
          ORDER BY step.try_number DESC
         LIMIT 1) making ON (true))
  WHERE artifact.is_current;

--
-- Name: VIEW current_product; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON VIEW aerodag.current_product IS 'What is valid for each dataset now, with its number among the versions and the seconds that its step took.';

--
-- Name: dataset_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.dataset ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.dataset_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: engine_job; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.engine_job (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    attempt integer NOT NULL,
    engine text NOT NULL,
    job text NOT NULL,
    name text NOT NULL,
    submitted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    deadline timestamp with time zone NOT NULL,
    rerun_from text,
    watched_at timestamp with time zone,
    lines_shown bigint DEFAULT 0 NOT NULL,
    peak_memory_bytes bigint,
    expected_at timestamp with time zone,
    stop_reason text,
    ended_at timestamp with time zone,
    exit_code integer,
    failure_code text,
    failed_stage text,
    remedy text,
    discarded_at timestamp with time zone,
    CONSTRAINT engine_job_attempt_check CHECK ((attempt > 0)),
    CONSTRAINT engine_job_lines_shown_check CHECK ((lines_shown >= 0)),
    CONSTRAINT engine_job_peak_memory_bytes_check CHECK ((peak_memory_bytes >= 0)),
    CONSTRAINT engine_job_stop_reason_check CHECK ((stop_reason = ANY (ARRAY['timeout'::text, 'stalled'::text, 'disk_full'::text, 'cancelled'::text])))
);

--
-- Name: TABLE engine_job; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.engine_job IS 'One start of an engine that works outside Airflow: a container, or a task of a node.';

--
-- Name: COLUMN engine_job.attempt; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.attempt IS 'The try of the odm task that started it; later tries may take it over.';

--
-- Name: COLUMN engine_job.job; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.job IS 'Container id, or the node''s task id.';

--
-- Name: COLUMN engine_job.deadline; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.deadline IS 'When it is stopped; kept over retries of one attempt of the run.';

--
-- Name: COLUMN engine_job.rerun_from; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.rerun_from IS 'Stage it started from; null where it started from nothing.';

--
-- Name: COLUMN engine_job.watched_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.watched_at IS 'Last look of the trigger.';

--
-- Name: COLUMN engine_job.lines_shown; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.lines_shown IS 'Lines of its output that Airflow''s task log has.';

--
-- Name: COLUMN engine_job.expected_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.expected_at IS 'When it is expected to end, by its progress and by earlier runs.';

--
-- Name: COLUMN engine_job.stop_reason; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.stop_reason IS 'Why this project stopped it, written before it is stopped.';

--
-- Name: COLUMN engine_job.ended_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.ended_at IS 'When its end was judged; failure_code is null where it ended well.';

--
-- Name: COLUMN engine_job.remedy; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.remedy IS 'What the next try does differently.';

--
-- Name: COLUMN engine_job.discarded_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_job.discarded_at IS 'When it was removed and verified to be gone.';

--
-- Name: engine_stage; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.engine_stage (
    run_id bigint NOT NULL,
    stage text NOT NULL,
    percent double precision,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT engine_stage_percent_check CHECK (((percent >= (0)::double precision) AND (percent <= (100)::double precision)))
);

--
-- Name: TABLE engine_stage; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.engine_stage IS 'Progress of the photogrammetry engine, stage by stage.';

--
-- Name: COLUMN engine_stage.percent; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.engine_stage.percent IS 'Of the whole job, 0 to 100, as the engine reports it.';

--
-- Name: event; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.event (
    id bigint NOT NULL,
    dataset_id bigint,
    run_id bigint,
    kind text NOT NULL,
    message text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

--
-- Name: TABLE event; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.event IS 'Journal; rows are only added.';

--
-- Name: review; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.review (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    asked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    due_at timestamp with time zone NOT NULL,
    verdict text NOT NULL,
    question text NOT NULL,
    default_answer text NOT NULL,
    answered_at timestamp with time zone,
    answer text,
    images text[] DEFAULT '{}'::text[] NOT NULL,
    answered_by text,
    by_default boolean DEFAULT false NOT NULL,
    note text,
    refused text,
    CONSTRAINT review_answer_check CHECK ((answer = ANY (ARRAY['Accept'::text, 'Reject images'::text, 'Abort'::text]))),
    CONSTRAINT review_check CHECK ((num_nulls(answered_at, answer) = ANY (ARRAY[0, 2]))),
    CONSTRAINT review_default_answer_check CHECK ((default_answer = ANY (ARRAY['Accept'::text, 'Abort'::text]))),
    CONSTRAINT review_verdict_check CHECK ((verdict = ANY (ARRAY['go'::text, 'review'::text, 'no_go'::text])))
);

--
-- Name: TABLE review; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.review IS 'A question put to a person before the engine starts, with the answer.';

--
-- Name: COLUMN review.due_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.due_at IS 'When default_answer is taken.';

--
-- Name: COLUMN review.verdict; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.verdict IS 'Of the pre-flight that the question rests on.';

--
-- Name: COLUMN review.question; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.question IS 'As the person saw it; Markdown.';

--
-- Name: COLUMN review.answered_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.answered_at IS 'Null while nobody has answered, and for ever where the run ended before.';

--
-- Name: COLUMN review.images; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.images IS 'The images to leave out, as the person named them: paths or patterns.';

--
-- Name: COLUMN review.answered_by; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.answered_by IS 'Name of Airflow''s user; null where the default answer was taken.';

--
-- Name: COLUMN review.note; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.note IS 'The person''s own words.';

--
-- Name: COLUMN review.refused; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.review.refused IS 'Why this answer could not be followed; null where it was.';

--
-- Name: run; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.run (
    id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    dag_run_id text NOT NULL,
    task_types text[] NOT NULL,
    preset text NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    engine text NOT NULL,
    engine_digest text,
    plan jsonb,
    priority smallint DEFAULT 3 NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    attempt_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    failure_code text,
    failure_category text,
    message text,
    advice text,
    include_images text[] DEFAULT '{}'::text[] NOT NULL,
    exclude_images text[] DEFAULT '{}'::text[] NOT NULL,
    preflight jsonb,
    gpu text DEFAULT 'auto'::text NOT NULL,
    resume_from text,
    review boolean,
    pipeline_version text,
    CONSTRAINT run_failure_category_check CHECK ((failure_category = ANY (ARRAY['data'::text, 'config'::text, 'engine'::text, 'resources'::text, 'infrastructure'::text, 'cancelled'::text]))),
    CONSTRAINT run_gpu_check CHECK ((gpu = ANY (ARRAY['auto'::text, 'required'::text, 'off'::text]))),
    CONSTRAINT run_priority_check CHECK (((priority >= 1) AND (priority <= 5))),
    CONSTRAINT run_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'succeeded'::text, 'degraded'::text, 'failed'::text, 'cancelled'::text])))
);

--
-- Name: TABLE run; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.run IS 'One DAG run of one dataset. Its state is derived from its steps.';

--
-- Name: COLUMN run.dag_run_id; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.dag_run_id IS 'Airflow''s run id; the same id again is the same run, resumed.';

--
-- Name: COLUMN run.task_types; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.task_types IS 'What was asked for: odm_processing, geotiff, cog, thumbnail, metadata, indices.';

--
-- Name: COLUMN run.engine_digest; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.engine_digest IS 'Digest of the container image or version of the engine that ran.';

--
-- Name: COLUMN run.attempt_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.attempt_at IS 'When the present attempt began: opened, or resumed after an end. The dataset''s newest run is the one with the latest attempt.';

--
-- Name: COLUMN run.include_images; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.include_images IS 'Patterns of zip_path: images a person wants in, whatever the checks say.';

--
-- Name: COLUMN run.exclude_images; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.exclude_images IS 'Patterns of zip_path: images a person wants out; stronger than include_images.';

--
-- Name: COLUMN run.preflight; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.preflight IS 'The pre-flight report, verdict go, review or no_go; the page is the artifact of that kind.';

--
-- Name: COLUMN run.gpu; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.gpu IS 'Whether the engine shall, must or may not use a GPU.';

--
-- Name: COLUMN run.resume_from; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.resume_from IS 'Stage of the engine from which a person wants the work done again.';

--
-- Name: COLUMN run.review; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.review IS 'Whether a person is asked before the engine starts: null by the verdict of the pre-flight, true always, false never.';

--
-- Name: COLUMN run.pipeline_version; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run.pipeline_version IS 'Version of this project that the run''s first task had.';

--
-- Name: waiting_engine; Type: VIEW; Schema: aerodag; Owner: -
--

CREATE VIEW aerodag.waiting_engine WITH (security_invoker='true') AS
 SELECT run.id AS run_id
   FROM (aerodag.run
     CROSS JOIN LATERAL ( SELECT step.name,
            step.state
           FROM aerodag.step
          WHERE (step.run_id = run.id)
          ORDER BY step.recorded_at DESC
         LIMIT 1) newest)
  WHERE ((run.state = 'running'::text) AND (newest.name = 'plan_engine'::text) AND (newest.state = 'succeeded'::text));

--
-- Name: VIEW waiting_engine; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON VIEW aerodag.waiting_engine IS 'Runs whose engine is planned, and has no place yet.';

--
-- Name: waiting_review; Type: VIEW; Schema: aerodag; Owner: -
--

CREATE VIEW aerodag.waiting_review WITH (security_invoker='true') AS
 SELECT review.run_id,
    review.asked_at
   FROM (aerodag.review
     JOIN aerodag.run ON ((run.id = review.run_id)))
  WHERE ((review.answered_at IS NULL) AND (run.state = ANY (ARRAY['queued'::text, 'running'::text])) AND (NOT (EXISTS ( SELECT
           FROM aerodag.step
          WHERE ((step.run_id = review.run_id) AND (step.name <> 'review'::text) AND (step.recorded_at > review.asked_at))))));

--
-- Name: VIEW waiting_review; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON VIEW aerodag.waiting_review IS 'Questions that a run waits with, for a person.';

--
-- Name: dataset_item; Type: VIEW; Schema: aerodag; Owner: -
--

CREATE VIEW aerodag.dataset_item WITH (security_invoker='true') AS
 SELECT summary.dataset_id AS id,
    dataset.name,
    summary.owner,
    summary.access,
    summary.upload_type,
    summary.created_at,
    dataset.size_bytes,
    dataset.priority,
    dataset.captured_from,
    dataset.captured_source,
    summary.state,
        CASE
            WHEN (parked.run_id IS NOT NULL) THEN 'review'::text
            WHEN (in_line.run_id IS NOT NULL) THEN 'odm'::text
            ELSE step.name
        END AS step,
    stage.stage,
    stage.percent,
    job.expected_at AS expected_end,
    (parked.run_id IS NOT NULL) AS waits_for_review,
    (in_line.run_id IS NOT NULL) AS waits_for_engine,
    run.dag_run_id,
    summary.images,
    summary.images_used,
    summary.area_m2,
    (summary.gsd_m * (100)::double precision) AS gsd_cm,
    summary.rtk_fix_share,
    summary.thumbnail_id,
        CASE
            WHEN (summary.place IS NOT NULL) THEN ARRAY[summary.west, summary.south,
            CASE
                WHEN (summary.east > (180)::double precision) THEN (summary.east - (360)::double precision)
                ELSE summary.east
            END, summary.north]
            ELSE NULL::double precision[]
        END AS bbox,
    COALESCE(ended.message, quarantine.message) AS message,
    ended.advice,
    ended.failure_code AS code
   FROM (((((((((aerodag.dataset_summary summary
     JOIN aerodag.dataset ON ((dataset.id = summary.dataset_id)))
     LEFT JOIN aerodag.run ON ((run.id = summary.run_id)))
     LEFT JOIN aerodag.run ended ON (((ended.id = summary.run_id) AND (summary.state <> 'waiting'::text))))
     LEFT JOIN LATERAL ( SELECT waiting_review.run_id
           FROM aerodag.waiting_review
          WHERE ((summary.state = 'running'::text) AND (waiting_review.run_id = summary.run_id))) parked ON (true))
     LEFT JOIN LATERAL ( SELECT waiting_engine.run_id
           FROM aerodag.waiting_engine
          WHERE ((summary.state = 'running'::text) AND (waiting_engine.run_id = summary.run_id))) in_line ON (true))
     LEFT JOIN LATERAL ( SELECT step_1.name
           FROM aerodag.step step_1
          WHERE ((summary.state = 'running'::text) AND (step_1.run_id = summary.run_id) AND (step_1.state = ANY (ARRAY['running'::text, 'retrying'::text])))
          ORDER BY step_1.recorded_at DESC
         LIMIT 1) step ON (true))
     LEFT JOIN LATERAL ( SELECT engine_stage.stage,
            engine_stage.percent
           FROM aerodag.engine_stage
          WHERE ((step.name = 'odm'::text) AND (engine_stage.run_id = summary.run_id))
          ORDER BY (engine_stage.finished_at IS NULL) DESC, engine_stage.started_at DESC
         LIMIT 1) stage ON (true))
     LEFT JOIN LATERAL ( SELECT engine_job.expected_at
           FROM aerodag.engine_job
          WHERE ((summary.state = 'running'::text) AND (engine_job.run_id = summary.run_id) AND (engine_job.ended_at IS NULL) AND (engine_job.discarded_at IS NULL))
          ORDER BY engine_job.id DESC
         LIMIT 1) job ON (true))
     LEFT JOIN LATERAL ( SELECT event.message
           FROM aerodag.event
          WHERE ((summary.state = 'quarantined'::text) AND (event.dataset_id = summary.dataset_id) AND (event.kind = 'dataset.quarantined'::text))
          ORDER BY event.created_at DESC
         LIMIT 1) quarantine ON (true));

--
-- Name: VIEW dataset_item; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON VIEW aerodag.dataset_item IS 'A dataset as a list shows it: its facts, and how its newest run is at this moment.';

--
-- Name: dataset_total; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.dataset_total (
    audience text NOT NULL,
    state text NOT NULL,
    datasets bigint NOT NULL,
    images bigint NOT NULL,
    area_m2 double precision NOT NULL
);

--
-- Name: TABLE dataset_total; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.dataset_total IS 'The summaries of all datasets added up, kept up to date with them.';

--
-- Name: COLUMN dataset_total.audience; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.dataset_total.audience IS 'The owner of private datasets; empty for those that everybody sees.';

--
-- Name: duration_total; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.duration_total (
    kind text NOT NULL,
    name text NOT NULL,
    engine text NOT NULL,
    outcome text NOT NULL,
    bound double precision NOT NULL,
    times bigint NOT NULL,
    seconds double precision NOT NULL,
    CONSTRAINT duration_total_kind_check CHECK ((kind = ANY (ARRAY['run'::text, 'step'::text, 'stage'::text])))
);

--
-- Name: TABLE duration_total; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.duration_total IS 'How long runs took, tries of steps, and stages of the engine; counted when the run ends.';

--
-- Name: COLUMN duration_total.name; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.duration_total.name IS 'Preset of the run, step, or stage.';

--
-- Name: COLUMN duration_total.engine; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.duration_total.engine IS 'Empty for a step.';

--
-- Name: COLUMN duration_total.outcome; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.duration_total.outcome IS 'State that the run or the try ended in; empty for a stage.';

--
-- Name: COLUMN duration_total.bound; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.duration_total.bound IS 'One of duration_bounds(); the row is about all that took no longer.';

--
-- Name: ending_total; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.ending_total (
    state text NOT NULL,
    preset text NOT NULL,
    engine text NOT NULL,
    code text NOT NULL,
    category text NOT NULL,
    runs bigint NOT NULL,
    images bigint NOT NULL,
    gpu_seconds double precision NOT NULL
);

--
-- Name: TABLE ending_total; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.ending_total IS 'How often runs ended and how, with what went into them; one that is resumed and ends again counts again.';

--
-- Name: COLUMN ending_total.code; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.ending_total.code IS 'What it failed of; empty where it did not.';

--
-- Name: COLUMN ending_total.images; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.ending_total.images IS 'Images that the engine made an orthophoto of.';

--
-- Name: COLUMN ending_total.gpu_seconds; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.ending_total.gpu_seconds IS 'Time that engine jobs had GPUs, times their number.';

--
-- Name: engine_job_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.engine_job ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.engine_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: event_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: finding; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.finding (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    severity text NOT NULL,
    code text NOT NULL,
    image text,
    message text NOT NULL,
    advice text,
    numbers jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    step text DEFAULT ''::text NOT NULL,
    CONSTRAINT finding_severity_check CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'degraded'::text, 'error'::text])))
);

--
-- Name: TABLE finding; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.finding IS 'Something worth telling about a run, with its numbers and a sentence for a person.';

--
-- Name: COLUMN finding.severity; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.finding.severity IS 'degraded and error make a finished run degraded instead of succeeded.';

--
-- Name: COLUMN finding.image; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.finding.image IS 'zip_path of the image concerned; null where it is about the whole dataset.';

--
-- Name: COLUMN finding.step; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.finding.step IS 'The step that found it; its next try replaces what the last one found.';

--
-- Name: finding_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.finding ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.finding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: hold; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.hold (
    kind text NOT NULL,
    since timestamp with time zone NOT NULL,
    reason text NOT NULL
);

--
-- Name: TABLE hold; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.hold IS 'While there is a row, no new engine run starts.';

--
-- Name: COLUMN hold.kind; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.hold.kind IS 'disk: the disk of the data root is too full.';

--
-- Name: COLUMN hold.reason; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.hold.reason IS 'One sentence for a person, with the numbers.';

--
-- Name: image; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.image (
    id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    zip_path text NOT NULL,
    engine_name text,
    sha256 text,
    size_bytes bigint,
    width integer,
    height integer,
    make text,
    model text,
    serial text,
    lens text,
    focal_mm double precision,
    band text,
    captured_at timestamp with time zone,
    captured_source text,
    longitude double precision,
    latitude double precision,
    altitude double precision,
    position_source text,
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
    status text DEFAULT 'staged'::text NOT NULL,
    reasons text[] DEFAULT '{}'::text[] NOT NULL,
    duplicate_of text,
    registered boolean,
    exif jsonb DEFAULT '{}'::jsonb NOT NULL,
    modality text,
    focal_px double precision,
    digital_zoom double precision,
    sensor_group text,
    flight integer,
    duplicate_of_dataset bigint,
    CONSTRAINT image_digital_zoom_check CHECK ((digital_zoom > (0)::double precision)),
    CONSTRAINT image_flight_check CHECK ((flight > 0)),
    CONSTRAINT image_focal_px_check CHECK ((focal_px > (0)::double precision)),
    CONSTRAINT image_height_check CHECK ((height > 0)),
    CONSTRAINT image_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CONSTRAINT image_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CONSTRAINT image_modality_check CHECK ((modality = ANY (ARRAY['rgb'::text, 'multispectral'::text, 'thermal'::text]))),
    CONSTRAINT image_position_source_check CHECK ((position_source = ANY (ARRAY['geo'::text, 'xmp'::text, 'mrk'::text, 'exif'::text]))),
    CONSTRAINT image_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT image_status_check CHECK ((status = ANY (ARRAY['staged'::text, 'assigned'::text, 'rejected'::text, 'unmatched'::text, 'invalid_exif'::text, 'duplicate'::text]))),
    CONSTRAINT image_width_check CHECK ((width > 0))
);

--
-- Name: TABLE image; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.image IS 'One image of an upload: what its header says, what was judged about it and why.';

--
-- Name: COLUMN image.zip_path; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.zip_path IS 'Path inside the ZIP; the identity of the image within its dataset.';

--
-- Name: COLUMN image.engine_name; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.engine_name IS 'Flat, collision-free file name given to the photogrammetry engine.';

--
-- Name: COLUMN image.width; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.width IS 'Pixels as stored; the EXIF orientation is not applied.';

--
-- Name: COLUMN image.captured_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.captured_at IS 'A camera clock without a known offset is kept as if it were UTC; captured_source tells the two apart.';

--
-- Name: COLUMN image.altitude; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.altitude IS 'Metres as the camera wrote it; ellipsoidal or above sea level by make.';

--
-- Name: COLUMN image.position_source; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.position_source IS 'geo: the upload''s own geo.txt; mrk: exposure marks of the receiver; xmp, exif: the image itself.';

--
-- Name: COLUMN image.relative_altitude; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.relative_altitude IS 'Metres above the take-off point.';

--
-- Name: COLUMN image.pitch; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.pitch IS 'Gimbal, degrees; -90 is nadir.';

--
-- Name: COLUMN image.rtk_flag; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.rtk_flag IS 'As the receiver wrote it: 50 fix, 34 float, 16 single, 0 none.';

--
-- Name: COLUMN image.std_e_m; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.std_e_m IS 'Standard deviation of the position to the east, metres.';

--
-- Name: COLUMN image.gsd_cm; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.gsd_cm IS 'Ground sample distance, centimetres per pixel.';

--
-- Name: COLUMN image.reasons; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.reasons IS 'Machine codes of all that was found; also of images that were kept.';

--
-- Name: COLUMN image.duplicate_of; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.duplicate_of IS 'zip_path of the same content: kept instead in this upload, or known from duplicate_of_dataset.';

--
-- Name: COLUMN image.registered; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.registered IS 'In the reconstruction; null until one was made.';

--
-- Name: COLUMN image.modality; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.modality IS 'What the sensor sees: rgb, multispectral (one band) or thermal.';

--
-- Name: COLUMN image.focal_px; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.focal_px IS 'Focal length in pixels of the stored image.';

--
-- Name: COLUMN image.sensor_group; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.sensor_group IS 'The sensor it was taken with; one upload can hold several.';

--
-- Name: COLUMN image.flight; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.flight IS 'Number of the flight within the upload, from 1 in order of time.';

--
-- Name: COLUMN image.duplicate_of_dataset; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.image.duplicate_of_dataset IS 'Earlier dataset that holds the same content; such an image is used all the same.';

--
-- Name: image_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.image ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.image_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: observation; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.observation (
    kind text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    since timestamp with time zone NOT NULL,
    told_at timestamp with time zone,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);

--
-- Name: TABLE observation; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.observation IS 'What housekeeping has seen amiss and not seen end yet, so that it is told once; and how far its slow rounds are.';

--
-- Name: COLUMN observation.subject; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.observation.subject IS 'Id of the row concerned; empty where there is only one.';

--
-- Name: COLUMN observation.since; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.observation.since IS 'When it was seen first.';

--
-- Name: COLUMN observation.told_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.observation.told_at IS 'When it became an event; null while it may still mend itself.';

--
-- Name: outbox; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.outbox (
    id bigint NOT NULL,
    run_id bigint,
    event text NOT NULL,
    recipient text NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone,
    event_id bigint,
    subscription_id bigint NOT NULL,
    message_id uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT outbox_check CHECK ((num_nonnulls(run_id, event_id) > 0)),
    CONSTRAINT outbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'skipped'::text])))
);

--
-- Name: TABLE outbox; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.outbox IS 'Notifications to send, made by triggers together with the fact. Each recipient is told once of each event of a run, however often the run is cleared and ends that way again: the state of a run may change back and forth within one attempt, and who clears a run watches it. A new run of the dataset is told anew.';

--
-- Name: COLUMN outbox.run_id; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.outbox.run_id IS 'Null where the event belongs to no run.';

--
-- Name: COLUMN outbox.state; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.outbox.state IS 'failed: given up; skipped: unsubscribed before it was sent.';

--
-- Name: COLUMN outbox.next_attempt_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.outbox.next_attempt_at IS 'Not before; for a row being sent, when its sender is taken for dead.';

--
-- Name: COLUMN outbox.event_id; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.outbox.event_id IS 'The event that is told; null for the end of a run.';

--
-- Name: COLUMN outbox.message_id; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.outbox.message_id IS 'The same in every try, so that the recipient can tell a repeat.';

--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: quality_check; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.quality_check (
    name text NOT NULL,
    topic text NOT NULL,
    title text NOT NULL,
    unit text DEFAULT ''::text NOT NULL,
    comparison text NOT NULL,
    threshold double precision NOT NULL,
    upper_threshold double precision,
    severity text NOT NULL,
    description text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    CONSTRAINT quality_check_check CHECK ((split_part(name, '.'::text, 1) = topic)),
    CONSTRAINT quality_check_check1 CHECK (((comparison = 'between'::text) = (upper_threshold IS NOT NULL))),
    CONSTRAINT quality_check_check2 CHECK ((threshold <= upper_threshold)),
    CONSTRAINT quality_check_comparison_check CHECK ((comparison = ANY (ARRAY['at_least'::text, 'at_most'::text, 'equal'::text, 'between'::text]))),
    CONSTRAINT quality_check_name_check CHECK ((name ~ '^[a-z0-9_]+\.[a-z0-9_]+$'::text)),
    CONSTRAINT quality_check_severity_check CHECK ((severity = ANY (ARRAY['warn'::text, 'fail'::text]))),
    CONSTRAINT quality_check_topic_check CHECK ((topic = ANY (ARRAY['images'::text, 'gps'::text, 'rtk'::text, 'registration'::text, 'geometry'::text, 'products'::text])))
);

--
-- Name: TABLE quality_check; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.quality_check IS 'What is asked of every run''s data. Thresholds are an operator''s to change: update aerodag.quality_check set threshold = 0.7 where name = ''images.assigned_share''. The query evaluate_checks says how a value is measured.';

--
-- Name: COLUMN quality_check.unit; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.quality_check.unit IS 'Of value and thresholds; share is 0 to 1, empty a plain number.';

--
-- Name: COLUMN quality_check.comparison; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.quality_check.comparison IS 'What the value has to be, against threshold; between includes both ends.';

--
-- Name: COLUMN quality_check.upper_threshold; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.quality_check.upper_threshold IS 'Upper end, for between only.';

--
-- Name: COLUMN quality_check.severity; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.quality_check.severity IS 'The verdict where the comparison does not hold.';

--
-- Name: COLUMN quality_check.enabled; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.quality_check.enabled IS 'Whether runs are judged by it; results of earlier runs stay.';

--
-- Name: review_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.review ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.review_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: rtk_file; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.rtk_file (
    id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    zip_path text NOT NULL,
    kind text NOT NULL,
    size_bytes bigint NOT NULL,
    records integer,
    matched integer,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    sha256 text,
    CONSTRAINT rtk_file_matched_check CHECK ((matched >= 0)),
    CONSTRAINT rtk_file_records_check CHECK ((records >= 0)),
    CONSTRAINT rtk_file_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT rtk_file_size_bytes_check CHECK ((size_bytes >= 0))
);

--
-- Name: TABLE rtk_file; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.rtk_file IS 'One file of a positioning receiver inside an upload.';

--
-- Name: COLUMN rtk_file.kind; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.rtk_file.kind IS 'File extension in lower case without the dot: mrk, rtk, obs ...';

--
-- Name: COLUMN rtk_file.records; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.rtk_file.records IS 'Records read from it; null where the format is only noted as present.';

--
-- Name: COLUMN rtk_file.matched; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.rtk_file.matched IS 'Records that belong to an image of the upload.';

--
-- Name: rtk_file_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.rtk_file ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.rtk_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: run_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: run_quality; Type: VIEW; Schema: aerodag; Owner: -
--

CREATE VIEW aerodag.run_quality WITH (security_invoker='true') AS
 SELECT check_result.run_id,
    run.dataset_id,
    check_result.name,
    quality_check.topic,
    quality_check.title,
    check_result.value,
    quality_check.unit,
    check_result.comparison,
    check_result.threshold,
    check_result.upper_threshold,
    check_result.verdict,
    check_result.reason,
    quality_check.description,
    check_result.evaluated_at,
    array_position(ARRAY['images'::text, 'gps'::text, 'rtk'::text, 'registration'::text, 'geometry'::text, 'products'::text], quality_check.topic) AS place
   FROM ((aerodag.check_result
     JOIN aerodag.run ON ((run.id = check_result.run_id)))
     JOIN aerodag.quality_check ON ((quality_check.name = check_result.name)));

--
-- Name: VIEW run_quality; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON VIEW aerodag.run_quality IS 'Every run''s verdicts in words: what was measured, what was asked, how it went.';

--
-- Name: COLUMN run_quality.place; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.run_quality.place IS 'Order of the topics in the work.';

--
-- Name: start_request; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.start_request (
    id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    dag_run_id text NOT NULL,
    conf jsonb NOT NULL,
    priority smallint NOT NULL,
    reason text NOT NULL,
    requested_by text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    asked_at timestamp with time zone,
    asked smallint DEFAULT 0 NOT NULL,
    CONSTRAINT start_request_priority_check CHECK (((priority >= 1) AND (priority <= 5)))
);

--
-- Name: TABLE start_request; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.start_request IS 'A further run of a dataset that ingest is to start when there is a place for it; it is done when that run exists.';

--
-- Name: COLUMN start_request.dag_run_id; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.start_request.dag_run_id IS 'Of the run to start; made of the dataset and how many runs it had, so that two who ask at once ask for one run.';

--
-- Name: COLUMN start_request.conf; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.start_request.conf IS 'Parameters of the run.';

--
-- Name: COLUMN start_request.requested_by; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.start_request.requested_by IS 'Airflow''s id of the run that asked.';

--
-- Name: COLUMN start_request.asked_at; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.start_request.asked_at IS 'When Airflow was asked to start it.';

--
-- Name: COLUMN start_request.asked; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.start_request.asked IS 'How often.';

--
-- Name: start_request_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.start_request ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.start_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: storage_total; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.storage_total (
    kind text NOT NULL,
    name text NOT NULL,
    is_current boolean NOT NULL,
    files bigint NOT NULL,
    bytes bigint NOT NULL
);

--
-- Name: TABLE storage_total; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.storage_total IS 'Files and bytes of all products and uploads, kept up to date by triggers: there are too many to add up for a look.';

--
-- Name: COLUMN storage_total.kind; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.storage_total.kind IS 'Of the product, or what was uploaded.';

--
-- Name: COLUMN storage_total.name; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.storage_total.name IS 'Of the product, or the storage class where the upload is.';

--
-- Name: COLUMN storage_total.is_current; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.storage_total.is_current IS 'Of an upload: it is not archived.';

--
-- Name: stress_cell; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.stress_cell (
    run_id bigint NOT NULL,
    name text NOT NULL,
    "row" smallint NOT NULL,
    col smallint NOT NULL,
    mean double precision,
    valid_share double precision NOT NULL,
    severity double precision,
    footprint jsonb NOT NULL,
    CONSTRAINT stress_cell_col_check CHECK (((col >= 0) AND (col <= 9))),
    CONSTRAINT stress_cell_row_check CHECK ((("row" >= 0) AND ("row" <= 9))),
    CONSTRAINT stress_cell_severity_check CHECK (((severity >= (0)::double precision) AND (severity <= (1)::double precision))),
    CONSTRAINT stress_cell_valid_share_check CHECK (((valid_share >= (0)::double precision) AND (valid_share <= (1)::double precision)))
);

--
-- Name: TABLE stress_cell; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.stress_cell IS 'One of 10 x 10 cells over an orthophoto''s bounding box. A severity above 0.3 is a stress zone.';

--
-- Name: COLUMN stress_cell.mean; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.stress_cell.mean IS 'Of the index; null where too few pixels have a value.';

--
-- Name: COLUMN stress_cell.valid_share; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.stress_cell.valid_share IS 'Share of its pixels that have a value.';

--
-- Name: COLUMN stress_cell.severity; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.stress_cell.severity IS '(healthy - mean) / (healthy - bare), cut to 0..1; null where unknown.';

--
-- Name: COLUMN stress_cell.footprint; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.stress_cell.footprint IS 'GeoJSON polygon, degrees WGS84.';

--
-- Name: subscription; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.subscription (
    id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    owner text,
    events text[] NOT NULL,
    secret text,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT subscription_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'webhook'::text]))),
    CONSTRAINT subscription_check CHECK (((channel = 'webhook'::text) = (secret IS NOT NULL))),
    CONSTRAINT subscription_events_check CHECK ((cardinality(events) > 0))
);

--
-- Name: TABLE subscription; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.subscription IS 'Who wants to be told of what.';

--
-- Name: COLUMN subscription.address; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.subscription.address IS 'E-mail address, or URL of a webhook; it may hold a token.';

--
-- Name: COLUMN subscription.owner; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.subscription.owner IS 'Only of datasets of this owner; null for everything.';

--
-- Name: COLUMN subscription.events; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.subscription.events IS 'run.STATE for the end of a run, or kinds of aerodag.event.';

--
-- Name: COLUMN subscription.secret; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.subscription.secret IS 'Key that signs webhooks: whsec_ and base64, as Standard Webhooks has it.';

--
-- Name: COLUMN subscription.active; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.subscription.active IS 'False after an unsubscription: what waits for it is skipped.';

--
-- Name: subscription_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.subscription ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.subscription_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: upload; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.upload (
    id uuid NOT NULL,
    name text NOT NULL,
    upload_type text NOT NULL,
    size_bytes bigint NOT NULL,
    chunk_bytes integer NOT NULL,
    owner text NOT NULL,
    licence text,
    platform text,
    project text,
    authors text[] DEFAULT '{}'::text[] NOT NULL,
    access text DEFAULT 'public'::text NOT NULL,
    citation_doi text,
    notes text,
    captured_on date,
    priority smallint DEFAULT 3 NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    source_uri text,
    dataset_id bigint,
    already_known boolean DEFAULT false NOT NULL,
    refusal text,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT upload_access_check CHECK ((access = ANY (ARRAY['public'::text, 'private'::text, 'viewonly'::text]))),
    CONSTRAINT upload_check CHECK (((state = 'complete'::text) = (completed_at IS NOT NULL))),
    CONSTRAINT upload_check1 CHECK (((state <> 'complete'::text) OR (source_uri IS NOT NULL))),
    CONSTRAINT upload_chunk_bytes_check CHECK ((chunk_bytes > 0)),
    CONSTRAINT upload_platform_check CHECK ((platform = ANY (ARRAY['drone'::text, 'airborne'::text, 'satellite'::text]))),
    CONSTRAINT upload_priority_check CHECK (((priority >= 1) AND (priority <= 5))),
    CONSTRAINT upload_size_bytes_check CHECK ((size_bytes > 0)),
    CONSTRAINT upload_state_check CHECK ((state = ANY (ARRAY['open'::text, 'complete'::text, 'expired'::text]))),
    CONSTRAINT upload_upload_type_check CHECK ((upload_type = ANY (ARRAY['raw_images_zip'::text, 'geotiff'::text])))
);

--
-- Name: TABLE upload; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.upload IS 'A file that comes in pieces through the web, with what its uploader says about it.';

--
-- Name: COLUMN upload.chunk_bytes; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.upload.chunk_bytes IS 'Size of every chunk but the last.';

--
-- Name: COLUMN upload.owner; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.upload.owner IS 'Airflow''s name of the user; becomes the owner of the dataset.';

--
-- Name: COLUMN upload.captured_on; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.upload.captured_on IS 'What the uploader says; the images'' own times come before it.';

--
-- Name: COLUMN upload.source_uri; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.upload.source_uri IS 'Where the whole file appears in the incoming location; set before it does, so that it is known whoever finds it.';

--
-- Name: COLUMN upload.dataset_id; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.upload.dataset_id IS 'Set when the file is registered, which is after it is complete.';

--
-- Name: COLUMN upload.already_known; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.upload.already_known IS 'The content was a dataset before, which dataset_id names.';

--
-- Name: COLUMN upload.refusal; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.upload.refusal IS 'Why the complete file could not be registered.';

--
-- Name: upload_chunk; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.upload_chunk (
    upload_id uuid NOT NULL,
    index integer NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT upload_chunk_index_check CHECK ((index >= 0)),
    CONSTRAINT upload_chunk_sha256_check CHECK ((length(sha256) = 32))
);

--
-- Name: TABLE upload_chunk; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.upload_chunk IS 'A chunk that is on the disk with this checksum; those of an upload that is complete are not needed any more.';

--
-- Name: vegetation_index; Type: TABLE; Schema: aerodag; Owner: -
--

CREATE TABLE aerodag.vegetation_index (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    name text NOT NULL,
    reason text,
    note text,
    count bigint,
    mean double precision,
    std double precision,
    min double precision,
    max double precision,
    percentiles jsonb,
    classes jsonb DEFAULT '[]'::jsonb NOT NULL,
    healthy double precision,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT vegetation_index_check CHECK ((num_nonnulls(reason, mean) = 1)),
    CONSTRAINT vegetation_index_count_check CHECK ((count > 0)),
    CONSTRAINT vegetation_index_std_check CHECK ((std >= (0)::double precision))
);

--
-- Name: TABLE vegetation_index; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON TABLE aerodag.vegetation_index IS 'A vegetation index of a run''s orthophoto, or why there is none.';

--
-- Name: COLUMN vegetation_index.reason; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.vegetation_index.reason IS 'Why it could not be computed; null where it was.';

--
-- Name: COLUMN vegetation_index.note; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.vegetation_index.note IS 'A caveat, such as uncalibrated numbers.';

--
-- Name: COLUMN vegetation_index.count; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.vegetation_index.count IS 'Pixels that have a value; all statistics are of these.';

--
-- Name: COLUMN vegetation_index.percentiles; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.vegetation_index.percentiles IS 'Value by percent: 2, 5, 25, 50, 75, 95, 98.';

--
-- Name: COLUMN vegetation_index.classes; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.vegetation_index.classes IS 'From bare to dense: name, low, high, area_m2, share of the pixels that have a value.';

--
-- Name: COLUMN vegetation_index.healthy; Type: COMMENT; Schema: aerodag; Owner: -
--

COMMENT ON COLUMN aerodag.vegetation_index.healthy IS 'What the stress is measured against; null where nothing stands out from bare ground.';

--
-- Name: vegetation_index_id_seq; Type: SEQUENCE; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.vegetation_index ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME aerodag.vegetation_index_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

--
-- Name: v2_cogs; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.v2_cogs WITH (security_invoker='true') AS
 SELECT dataset_id,
    (ceil(((bytes)::numeric / '1000000'::numeric)))::bigint AS cog_file_size,
    regexp_replace(uri, '^.*/'::text, ''::text) AS cog_file_name,
    uri AS cog_path,
    version,
    created_at,
    details AS cog_info,
    duration_s AS cog_processing_runtime
   FROM aerodag.current_product
  WHERE ((kind = 'cog'::text) AND (name = ''::text));

--
-- Name: VIEW v2_cogs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.v2_cogs IS 'Platform contract: the current cloud-optimised GeoTIFF of each dataset, as it is served.';

--
-- Name: COLUMN v2_cogs.cog_file_size; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_cogs.cog_file_size IS 'Megabytes of 10^6 bytes, rounded up.';

--
-- Name: COLUMN v2_cogs.cog_processing_runtime; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_cogs.cog_processing_runtime IS 'Seconds.';

--
-- Name: v2_metadata; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.v2_metadata WITH (security_invoker='true') AS
 SELECT dataset_id,
    details AS metadata,
    version,
    created_at,
    duration_s AS processing_runtime
   FROM aerodag.current_product
  WHERE (kind = 'metadata'::text);

--
-- Name: VIEW v2_metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.v2_metadata IS 'Platform contract: the current metadata record of each dataset.';

--
-- Name: COLUMN v2_metadata.metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_metadata.metadata IS 'gadm, biome and phenology as the platform knows them, and the dataset''s own facts beside.';

--
-- Name: COLUMN v2_metadata.processing_runtime; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_metadata.processing_runtime IS 'Seconds.';

--
-- Name: v2_orthos; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.v2_orthos WITH (security_invoker='true') AS
 SELECT dataset_id,
    regexp_replace(uri, '^.*/'::text, ''::text) AS ortho_file_name,
    version,
    created_at,
        CASE
            WHEN (bbox IS NOT NULL) THEN format('BOX(%s %s,%s %s)'::text, bbox[1], bbox[2], bbox[3], bbox[4])
            ELSE NULL::text
        END AS bbox,
    sha256,
    details AS ortho_info,
    duration_s AS ortho_upload_runtime,
    (ceil(((bytes)::numeric / '1000000'::numeric)))::bigint AS ortho_file_size
   FROM aerodag.current_product
  WHERE (kind = 'orthophoto'::text);

--
-- Name: VIEW v2_orthos; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.v2_orthos IS 'Platform contract: the current orthophoto of each dataset; archive/ortho_file_name is always the current one.';

--
-- Name: COLUMN v2_orthos.bbox; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_orthos.bbox IS 'BOX(west south,east north) in degrees WGS84, as PostGIS writes a box2d.';

--
-- Name: COLUMN v2_orthos.ortho_upload_runtime; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_orthos.ortho_upload_runtime IS 'Seconds.';

--
-- Name: COLUMN v2_orthos.ortho_file_size; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_orthos.ortho_file_size IS 'Megabytes of 10^6 bytes, rounded up.';

--
-- Name: v2_processing_overview; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.v2_processing_overview WITH (security_invoker='true') AS
 SELECT dataset.id AS dataset_id,
    dataset.name AS file_name,
    dataset.owner,
    COALESCE(newest.priority, dataset.priority) AS priority,
        CASE
            WHEN (dataset.upload_type = 'geotiff'::text) THEN 'geotiff'::text
            ELSE 'odm'::text
        END AS processing_source,
        CASE
            WHEN (newest.state = 'running'::text) THEN 'PROCESSING'::text
            WHEN ((newest.state = ANY (ARRAY['failed'::text, 'cancelled'::text])) OR (dataset.quarantined_at IS NOT NULL)) THEN 'FAILED'::text
            WHEN (newest.state = ANY (ARRAY['succeeded'::text, 'degraded'::text])) THEN 'COMPLETED'::text
            ELSE 'QUEUED'::text
        END AS processing_status,
    latest_step.name AS current_step,
    latest_stage.stage AS current_stage,
    latest_stage.percent AS current_stage_percent,
    round((EXTRACT(epoch FROM (now() - COALESCE(
        CASE
            WHEN (newest.state <> ALL (ARRAY['queued'::text, 'running'::text])) THEN newest.finished_at
            ELSE NULL::timestamp with time zone
        END,
        CASE
            WHEN (newest.state = 'running'::text) THEN latest_step.started_at
            ELSE NULL::timestamp with time zone
        END, newest.attempt_at, dataset.quarantined_at, dataset.created_at))) / (3600)::numeric), 2) AS hours_in_current_status,
    COALESCE(newest.message,
        CASE
            WHEN (dataset.quarantined_at IS NOT NULL) THEN 'The upload is in quarantine.'::text
            ELSE NULL::text
        END) AS error_message,
    journal.lines AS last_20_logs,
    newest.id AS run_id,
    newest.dag_run_id,
    dataset.created_at
   FROM ((((aerodag.dataset
     LEFT JOIN LATERAL ( SELECT run.id,
            run.dataset_id,
            run.dag_run_id,
            run.task_types,
            run.preset,
            run.options,
            run.engine,
            run.engine_digest,
            run.plan,
            run.priority,
            run.state,
            run.created_at,
            run.attempt_at,
            run.started_at,
            run.finished_at,
            run.failure_code,
            run.failure_category,
            run.message,
            run.advice,
            run.include_images,
            run.exclude_images,
            run.preflight,
            run.gpu,
            run.resume_from,
            run.review,
            run.pipeline_version
           FROM aerodag.run
          WHERE (run.dataset_id = dataset.id)
          ORDER BY run.attempt_at DESC, run.id DESC
         LIMIT 1) newest ON (true))
     LEFT JOIN LATERAL ( SELECT step.name,
            step.started_at
           FROM aerodag.step
          WHERE ((step.run_id = newest.id) AND (newest.state = 'running'::text) AND (step.name <> 'cleanup'::text))
          ORDER BY (step.state = 'running'::text) DESC, step.started_at DESC NULLS LAST
         LIMIT 1) latest_step ON (true))
     LEFT JOIN LATERAL ( SELECT engine_stage.stage,
            engine_stage.percent
           FROM aerodag.engine_stage
          WHERE ((engine_stage.run_id = newest.id) AND (newest.state = 'running'::text) AND (engine_stage.finished_at IS NULL))
          ORDER BY engine_stage.started_at DESC
         LIMIT 1) latest_stage ON (true))
     LEFT JOIN LATERAL ( SELECT string_agg(format('%s %s: %s'::text, to_char((latest.created_at AT TIME ZONE 'utc'::text), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'::text), latest.kind, latest.message), '
'::text ORDER BY latest.created_at, latest.id) AS lines
           FROM ( SELECT event.id,
                    event.created_at,
                    event.kind,
                    event.message
                   FROM aerodag.event
                  WHERE (event.dataset_id = dataset.id)
                  ORDER BY event.created_at DESC, event.id DESC
                 LIMIT 20) latest) journal ON (true));

--
-- Name: VIEW v2_processing_overview; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.v2_processing_overview IS 'Platform contract: where each dataset is and since when. QUEUED also before the first run; FAILED also when cancelled or in quarantine; COMPLETED also when degraded.';

--
-- Name: v2_raw_images; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.v2_raw_images WITH (security_invoker='true') AS
 SELECT dataset.id AS dataset_id,
    (images.count)::integer AS raw_image_count,
    (ceil(((dataset.size_bytes)::numeric / '1000000'::numeric)))::integer AS raw_image_size_mb,
    dataset.raw_uri AS raw_images_path,
    COALESCE(first_image.exif, '{}'::jsonb) AS camera_metadata,
    COALESCE(images.with_fix, false) AS has_rtk_data,
    images.precision_cm AS rtk_precision_cm,
    images.quality AS rtk_quality_indicator,
    (rtk.file_count)::integer AS rtk_file_count,
    1 AS version,
    dataset.created_at
   FROM (((aerodag.dataset
     CROSS JOIN LATERAL ( SELECT count(*) AS count,
            bool_or((image.rtk_flag >= 50)) AS with_fix,
            round(((percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY GREATEST(image.std_e_m, image.std_n_m)) * (100)::double precision))::numeric, 2) AS precision_cm,
            mode() WITHIN GROUP (ORDER BY image.rtk_flag) AS quality
           FROM aerodag.image
          WHERE (image.dataset_id = dataset.id)) images)
     CROSS JOIN LATERAL ( SELECT count(*) AS file_count
           FROM aerodag.rtk_file
          WHERE (rtk_file.dataset_id = dataset.id)) rtk)
     LEFT JOIN LATERAL ( SELECT image.exif
           FROM aerodag.image
          WHERE ((image.dataset_id = dataset.id) AND (image.exif <> '{}'::jsonb))
          ORDER BY image.zip_path
         LIMIT 1) first_image ON (true))
  WHERE ((dataset.upload_type = 'raw_images_zip'::text) AND (dataset.raw_uri IS NOT NULL));

--
-- Name: VIEW v2_raw_images; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.v2_raw_images IS 'Platform contract: the uploaded ZIP of images, one row per dataset.';

--
-- Name: COLUMN v2_raw_images.raw_image_size_mb; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_raw_images.raw_image_size_mb IS 'Megabytes of 10^6 bytes, rounded up.';

--
-- Name: COLUMN v2_raw_images.camera_metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_raw_images.camera_metadata IS 'EXIF of the first image that has any.';

--
-- Name: COLUMN v2_raw_images.has_rtk_data; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_raw_images.has_rtk_data IS 'At least one image has a fixed solution, its own or by a mark file.';

--
-- Name: COLUMN v2_raw_images.rtk_precision_cm; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_raw_images.rtk_precision_cm IS 'Median over the images of the larger horizontal standard deviation, centimetres; null where no image tells it.';

--
-- Name: COLUMN v2_raw_images.rtk_quality_indicator; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_raw_images.rtk_quality_indicator IS 'Most frequent RTK flag: 50 fix, 34 float, 16 single.';

--
-- Name: v2_statuses; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.v2_statuses WITH (security_invoker='true') AS
 SELECT dataset.id,
    dataset.id AS dataset_id,
    (COALESCE(
        CASE
            WHEN (newest.state <> ALL (ARRAY['queued'::text, 'running'::text])) THEN NULL::text
            WHEN (latest_step.name = ANY (ARRAY['claim'::text, 'stage'::text])) THEN 'uploading'::text
            WHEN (latest_step.name = ANY (ARRAY['validate'::text, 'extract_metadata'::text, 'assess_images'::text, 'preflight'::text, 'review'::text, 'plan_engine'::text, 'odm'::text])) THEN 'odm_processing'::text
            WHEN (latest_step.name = ANY (ARRAY['publish_ortho'::text, 'standardise'::text])) THEN 'ortho_processing'::text
            WHEN (latest_step.name = 'cog'::text) THEN 'cog_processing'::text
            WHEN (latest_step.name = 'thumbnail'::text) THEN 'thumbnail_processing'::text
            WHEN (latest_step.name = ANY (ARRAY['metadata'::text, 'indices'::text, 'promote'::text, 'stac'::text, 'finish'::text])) THEN 'metadata_processing'::text
            ELSE NULL::text
        END, 'idle'::text))::public.v2_status AS current_status,
    ((dataset.raw_uri IS NOT NULL) AND (dataset.quarantined_at IS NULL)) AS is_upload_done,
    COALESCE(done.odm, false) AS is_odm_done,
    COALESCE(done.ortho, false) AS is_ortho_done,
    COALESCE(done.cog, false) AS is_cog_done,
    COALESCE(done.thumbnail, false) AS is_thumbnail_done,
    false AS is_deadwood_done,
    false AS is_forest_cover_done,
    COALESCE(done.metadata, false) AS is_metadata_done,
    false AS is_combined_model_done,
    false AS is_aoi_done,
    false AS is_aoi_required,
    false AS is_embeddings_done,
    false AS is_audited,
    (COALESCE((newest.state = 'failed'::text), false) OR (dataset.quarantined_at IS NOT NULL)) AS has_error,
        CASE
            WHEN (newest.state = 'failed'::text) THEN COALESCE(NULLIF(concat_ws(' '::text, newest.message, newest.advice), ''::text), newest.failure_code, 'The run failed.'::text)
            WHEN (dataset.quarantined_at IS NOT NULL) THEN COALESCE(quarantine.message, 'The upload is in quarantine.'::text)
            ELSE NULL::text
        END AS error_message,
    dataset.created_at,
    GREATEST(dataset.created_at, dataset.quarantined_at, newest.attempt_at, newest.finished_at, latest_step.recorded_at) AS updated_at
   FROM ((((aerodag.dataset
     LEFT JOIN LATERAL ( SELECT run.id,
            run.dataset_id,
            run.dag_run_id,
            run.task_types,
            run.preset,
            run.options,
            run.engine,
            run.engine_digest,
            run.plan,
            run.priority,
            run.state,
            run.created_at,
            run.attempt_at,
            run.started_at,
            run.finished_at,
            run.failure_code,
            run.failure_category,
            run.message,
            run.advice,
            run.include_images,
            run.exclude_images,
            run.preflight,
            run.gpu,
            run.resume_from,
            run.review,
            run.pipeline_version
           FROM aerodag.run
          WHERE (run.dataset_id = dataset.id)
          ORDER BY run.attempt_at DESC, run.id DESC
         LIMIT 1) newest ON (true))
     LEFT JOIN LATERAL ( SELECT step.name,
            step.recorded_at
           FROM aerodag.step
          WHERE ((step.run_id = newest.id) AND (step.name <> 'cleanup'::text))
          ORDER BY (step.state = 'running'::text) DESC, step.started_at DESC NULLS LAST, step.recorded_at DESC
         LIMIT 1) latest_step ON (true))
     LEFT JOIN LATERAL ( SELECT event.message
           FROM aerodag.event
          WHERE ((dataset.quarantined_at IS NOT NULL) AND (event.dataset_id = dataset.id) AND (event.kind = 'dataset.quarantined'::text))
          ORDER BY event.created_at DESC
         LIMIT 1) quarantine ON (true))
     CROSS JOIN LATERAL ( SELECT (bool_or(verdict.succeeded) FILTER (WHERE (verdict.step_name = 'publish_ortho'::text)) AND (dataset.upload_type <> 'geotiff'::text)) AS odm,
            bool_or(verdict.succeeded) FILTER (WHERE (verdict.step_name = 'standardise'::text)) AS ortho,
            bool_or(verdict.succeeded) FILTER (WHERE (verdict.step_name = 'cog'::text)) AS cog,
            bool_or(verdict.succeeded) FILTER (WHERE (verdict.step_name = 'thumbnail'::text)) AS thumbnail,
            bool_or(verdict.succeeded) FILTER (WHERE (verdict.step_name = 'metadata'::text)) AS metadata
           FROM ( SELECT DISTINCT ON (product.step_name) product.step_name,
                    COALESCE(tries.succeeded, false) AS succeeded
                   FROM ((( VALUES ('odm_processing'::text,'publish_ortho'::text), ('geotiff'::text,'standardise'::text), ('cog'::text,'cog'::text), ('thumbnail'::text,'thumbnail'::text), ('metadata'::text,'metadata'::text)) product(task_type, step_name)
                     JOIN aerodag.run ON (((run.dataset_id = dataset.id) AND (product.task_type = ANY (run.task_types)))))
                     LEFT JOIN LATERAL ( SELECT bool_and((by_map_index.state = 'succeeded'::text)) AS succeeded,
                            bool_and((by_map_index.state = 'skipped'::text)) AS skipped
                           FROM ( SELECT DISTINCT ON (step.map_index) step.state
                                   FROM aerodag.step
                                  WHERE ((step.run_id = run.id) AND (step.name = product.step_name))
                                  ORDER BY step.map_index, step.try_number DESC) by_map_index) tries ON (true))
                  WHERE (tries.skipped IS NOT TRUE)
                  ORDER BY product.step_name, run.attempt_at DESC, run.id DESC) verdict) done);

--
-- Name: VIEW v2_statuses; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.v2_statuses IS 'Platform contract: one row per dataset, derived from the rows of its steps, so that a rerun that fails or is under way does not look done. Flags of steps that this pipeline does not have are false.';

--
-- Name: v2_thumbnails; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.v2_thumbnails WITH (security_invoker='true') AS
 SELECT dataset_id,
    bytes AS thumbnail_file_size,
    regexp_replace(uri, '^.*/'::text, ''::text) AS thumbnail_file_name,
    uri AS thumbnail_path,
    version,
    created_at,
    duration_s AS thumbnail_processing_runtime
   FROM aerodag.current_product
  WHERE ((kind = 'thumbnail'::text) AND (name = ''::text));

--
-- Name: VIEW v2_thumbnails; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.v2_thumbnails IS 'Platform contract: the current thumbnail of each dataset, of the first size and format.';

--
-- Name: COLUMN v2_thumbnails.thumbnail_file_size; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_thumbnails.thumbnail_file_size IS 'Bytes, unlike the sizes of the other views.';

--
-- Name: COLUMN v2_thumbnails.thumbnail_processing_runtime; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.v2_thumbnails.thumbnail_processing_runtime IS 'Seconds.';

--
-- Name: artifact artifact_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.artifact
    ADD CONSTRAINT artifact_pkey PRIMARY KEY (id);

--
-- Name: artifact artifact_run_id_kind_name_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.artifact
    ADD CONSTRAINT artifact_run_id_kind_name_key UNIQUE (run_id, kind, name);

--
-- Name: check_result check_result_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.check_result
    ADD CONSTRAINT check_result_pkey PRIMARY KEY (run_id, name);

--
-- Name: dataset dataset_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.dataset
    ADD CONSTRAINT dataset_pkey PRIMARY KEY (id);

--
-- Name: dataset_summary dataset_summary_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.dataset_summary
    ADD CONSTRAINT dataset_summary_pkey PRIMARY KEY (dataset_id);

--
-- Name: dataset_total dataset_total_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.dataset_total
    ADD CONSTRAINT dataset_total_pkey PRIMARY KEY (audience, state);

--
-- Name: duration_total duration_total_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.duration_total
    ADD CONSTRAINT duration_total_pkey PRIMARY KEY (kind, name, engine, outcome, bound);

--
-- Name: ending_total ending_total_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.ending_total
    ADD CONSTRAINT ending_total_pkey PRIMARY KEY (state, preset, engine, code, category);

--
-- Name: engine_job engine_job_engine_job_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.engine_job
    ADD CONSTRAINT engine_job_engine_job_key UNIQUE (engine, job);

--
-- Name: engine_job engine_job_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.engine_job
    ADD CONSTRAINT engine_job_pkey PRIMARY KEY (id);

--
-- Name: engine_job engine_job_run_id_attempt_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.engine_job
    ADD CONSTRAINT engine_job_run_id_attempt_key UNIQUE (run_id, attempt);

--
-- Name: engine_stage engine_stage_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.engine_stage
    ADD CONSTRAINT engine_stage_pkey PRIMARY KEY (run_id, stage);

--
-- Name: event event_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);

--
-- Name: finding finding_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.finding
    ADD CONSTRAINT finding_pkey PRIMARY KEY (id);

--
-- Name: hold hold_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (kind);

--
-- Name: image image_dataset_id_engine_name_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.image
    ADD CONSTRAINT image_dataset_id_engine_name_key UNIQUE (dataset_id, engine_name);

--
-- Name: image image_dataset_id_zip_path_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.image
    ADD CONSTRAINT image_dataset_id_zip_path_key UNIQUE (dataset_id, zip_path);

--
-- Name: image image_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.image
    ADD CONSTRAINT image_pkey PRIMARY KEY (id);

--
-- Name: observation observation_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.observation
    ADD CONSTRAINT observation_pkey PRIMARY KEY (kind, subject);

--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

--
-- Name: outbox outbox_run_id_event_recipient_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.outbox
    ADD CONSTRAINT outbox_run_id_event_recipient_key UNIQUE (run_id, event, recipient);

--
-- Name: quality_check quality_check_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.quality_check
    ADD CONSTRAINT quality_check_pkey PRIMARY KEY (name);

--
-- Name: review review_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (id);

--
-- Name: rtk_file rtk_file_dataset_id_zip_path_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.rtk_file
    ADD CONSTRAINT rtk_file_dataset_id_zip_path_key UNIQUE (dataset_id, zip_path);

--
-- Name: rtk_file rtk_file_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.rtk_file
    ADD CONSTRAINT rtk_file_pkey PRIMARY KEY (id);

--
-- Name: run run_dag_run_id_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.run
    ADD CONSTRAINT run_dag_run_id_key UNIQUE (dag_run_id);

--
-- Name: run run_id_dataset_id_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.run
    ADD CONSTRAINT run_id_dataset_id_key UNIQUE (id, dataset_id);

--
-- Name: run run_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);

--
-- Name: start_request start_request_dag_run_id_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.start_request
    ADD CONSTRAINT start_request_dag_run_id_key UNIQUE (dag_run_id);

--
-- Name: start_request start_request_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.start_request
    ADD CONSTRAINT start_request_pkey PRIMARY KEY (id);

--
-- Name: step step_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.step
    ADD CONSTRAINT step_pkey PRIMARY KEY (run_id, name, map_index, try_number);

--
-- Name: storage_total storage_total_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.storage_total
    ADD CONSTRAINT storage_total_pkey PRIMARY KEY (kind, name, is_current);

--
-- Name: stress_cell stress_cell_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.stress_cell
    ADD CONSTRAINT stress_cell_pkey PRIMARY KEY (run_id, name, "row", col);

--
-- Name: subscription subscription_address_owner_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.subscription
    ADD CONSTRAINT subscription_address_owner_key UNIQUE NULLS NOT DISTINCT (address, owner);

--
-- Name: subscription subscription_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (id);

--
-- Name: upload_chunk upload_chunk_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.upload_chunk
    ADD CONSTRAINT upload_chunk_pkey PRIMARY KEY (upload_id, index);

--
-- Name: upload upload_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.upload
    ADD CONSTRAINT upload_pkey PRIMARY KEY (id);

--
-- Name: upload upload_source_uri_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.upload
    ADD CONSTRAINT upload_source_uri_key UNIQUE (source_uri);

--
-- Name: vegetation_index vegetation_index_pkey; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.vegetation_index
    ADD CONSTRAINT vegetation_index_pkey PRIMARY KEY (id);

--
-- Name: vegetation_index vegetation_index_run_id_name_key; Type: CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.vegetation_index
    ADD CONSTRAINT vegetation_index_run_id_name_key UNIQUE (run_id, name);

--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

--
-- Name: artifact_current_key; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE UNIQUE INDEX artifact_current_key ON aerodag.artifact USING btree (dataset_id, kind, name) WHERE is_current;

--
-- Name: artifact_dataset_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX artifact_dataset_idx ON aerodag.artifact USING btree (dataset_id, kind, name);

--
-- Name: artifact_uri_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX artifact_uri_idx ON aerodag.artifact USING hash (uri);

--
-- Name: check_result_evaluated_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX check_result_evaluated_idx ON aerodag.check_result USING btree (evaluated_at);

--
-- Name: dataset_content_key; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE UNIQUE INDEX dataset_content_key ON aerodag.dataset USING btree (content_sha256, (
CASE
    WHEN (access = 'private'::text) THEN owner
    ELSE ''::text
END)) WHERE (archived_at IS NULL);

--
-- Name: dataset_created_at_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_created_at_idx ON aerodag.dataset USING btree (created_at);

--
-- Name: dataset_owner_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_owner_idx ON aerodag.dataset USING btree (owner);

--
-- Name: dataset_quarantined_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_quarantined_idx ON aerodag.dataset USING btree (quarantined_at) WHERE (quarantined_at IS NOT NULL);

--
-- Name: dataset_queue_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_queue_idx ON aerodag.dataset USING btree (priority DESC, created_at) WHERE ((archived_at IS NULL) AND (quarantined_at IS NULL));

--
-- Name: dataset_raw_uri_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_raw_uri_idx ON aerodag.dataset USING hash (raw_uri);

--
-- Name: dataset_source_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_source_idx ON aerodag.dataset USING btree (source_uri) WHERE (archived_at IS NULL);

--
-- Name: dataset_start_asked_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_start_asked_idx ON aerodag.dataset USING btree (start_asked_at);

--
-- Name: dataset_start_asks_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_start_asks_idx ON aerodag.dataset USING btree (start_asks) WHERE (start_asks > 1);

--
-- Name: dataset_summary_east_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_east_idx ON aerodag.dataset_summary USING btree (east);

--
-- Name: dataset_summary_newest_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_newest_idx ON aerodag.dataset_summary USING btree (created_at DESC, dataset_id DESC);

--
-- Name: dataset_summary_north_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_north_idx ON aerodag.dataset_summary USING btree (north);

--
-- Name: dataset_summary_place_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_place_idx ON aerodag.dataset_summary USING gist (place) WHERE (place IS NOT NULL);

--
-- Name: dataset_summary_south_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_south_idx ON aerodag.dataset_summary USING btree (south);

--
-- Name: dataset_summary_state_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_state_idx ON aerodag.dataset_summary USING btree (state, created_at DESC, dataset_id DESC);

--
-- Name: dataset_summary_upload_type_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_upload_type_idx ON aerodag.dataset_summary USING btree (upload_type, created_at DESC, dataset_id DESC);

--
-- Name: dataset_summary_west_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_summary_west_idx ON aerodag.dataset_summary USING btree (west);

--
-- Name: dataset_waiting_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX dataset_waiting_idx ON aerodag.dataset USING btree (priority DESC, created_at, id) WHERE ((first_run_at IS NULL) AND (archived_at IS NULL) AND (quarantined_at IS NULL));

--
-- Name: engine_job_open_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX engine_job_open_idx ON aerodag.engine_job USING btree (run_id) WHERE (discarded_at IS NULL);

--
-- Name: engine_job_submitted_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX engine_job_submitted_idx ON aerodag.engine_job USING btree (submitted_at);

--
-- Name: event_dag_run_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX event_dag_run_idx ON aerodag.event USING btree (((details ->> 'dag_run_id'::text))) WHERE (kind = 'run.refused'::text);

--
-- Name: event_dataset_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX event_dataset_idx ON aerodag.event USING btree (dataset_id, created_at DESC);

--
-- Name: event_refused_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX event_refused_idx ON aerodag.event USING btree (created_at) WHERE (kind = 'upload.refused'::text);

--
-- Name: event_refused_uri_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX event_refused_uri_idx ON aerodag.event USING hash (((details ->> 'quarantine_uri'::text))) WHERE (kind = 'upload.refused'::text);

--
-- Name: event_run_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX event_run_idx ON aerodag.event USING btree (run_id, created_at DESC);

--
-- Name: finding_key; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE UNIQUE INDEX finding_key ON aerodag.finding USING btree (run_id, code, image, md5(message)) NULLS NOT DISTINCT;

--
-- Name: finding_step_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX finding_step_idx ON aerodag.finding USING btree (run_id, step);

--
-- Name: image_duplicate_of_dataset_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX image_duplicate_of_dataset_idx ON aerodag.image USING btree (duplicate_of_dataset) WHERE (duplicate_of_dataset IS NOT NULL);

--
-- Name: image_sha256_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX image_sha256_idx ON aerodag.image USING btree (sha256);

--
-- Name: outbox_due_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX outbox_due_idx ON aerodag.outbox USING btree (next_attempt_at) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));

--
-- Name: outbox_event_key; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE UNIQUE INDEX outbox_event_key ON aerodag.outbox USING btree (event_id, recipient);

--
-- Name: outbox_failed_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX outbox_failed_idx ON aerodag.outbox USING btree (id) WHERE (state = 'failed'::text);

--
-- Name: outbox_subscription_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX outbox_subscription_idx ON aerodag.outbox USING btree (subscription_id);

--
-- Name: review_open_key; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE UNIQUE INDEX review_open_key ON aerodag.review USING btree (run_id) WHERE (answered_at IS NULL);

--
-- Name: review_run_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX review_run_idx ON aerodag.review USING btree (run_id, id);

--
-- Name: run_finished_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX run_finished_idx ON aerodag.run USING btree (finished_at) INCLUDE (dataset_id, state) WHERE (finished_at IS NOT NULL);

--
-- Name: run_newest_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX run_newest_idx ON aerodag.run USING btree (dataset_id, attempt_at DESC, id DESC);

--
-- Name: run_one_active_key; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE UNIQUE INDEX run_one_active_key ON aerodag.run USING btree (dataset_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

--
-- Name: start_request_dataset_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX start_request_dataset_idx ON aerodag.start_request USING btree (dataset_id);

--
-- Name: start_request_waiting_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX start_request_waiting_idx ON aerodag.start_request USING btree (created_at) WHERE (asked_at IS NULL);

--
-- Name: step_engine_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX step_engine_idx ON aerodag.step USING btree (finished_at DESC) WHERE ((name = 'odm'::text) AND (state = 'succeeded'::text));

--
-- Name: step_finished_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX step_finished_idx ON aerodag.step USING btree (finished_at) INCLUDE (run_id, name, try_number, state, duration_s) WHERE (finished_at IS NOT NULL);

--
-- Name: upload_dataset_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX upload_dataset_idx ON aerodag.upload USING btree (dataset_id);

--
-- Name: upload_expiry_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX upload_expiry_idx ON aerodag.upload USING btree (expires_at) WHERE (state = 'open'::text);

--
-- Name: upload_open_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX upload_open_idx ON aerodag.upload USING btree (owner, created_at) WHERE (state = 'open'::text);

--
-- Name: vegetation_index_dataset_idx; Type: INDEX; Schema: aerodag; Owner: -
--

CREATE INDEX vegetation_index_dataset_idx ON aerodag.vegetation_index USING btree (dataset_id, name);

--
-- Name: run add_ending; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER add_ending AFTER UPDATE OF state ON aerodag.run DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((old.state = ANY (ARRAY['queued'::text, 'running'::text])) AND (new.state = ANY (ARRAY['succeeded'::text, 'degraded'::text, 'failed'::text, 'cancelled'::text])))) EXECUTE FUNCTION aerodag.add_ending();

--
-- Name: step derive_run_state; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE TRIGGER derive_run_state AFTER INSERT OR UPDATE OF state ON aerodag.step FOR EACH ROW EXECUTE FUNCTION aerodag.derive_run_state();

--
-- Name: artifact keep_products_total; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER keep_products_total AFTER INSERT OR DELETE OR UPDATE OF kind, name, is_current, bytes, details, removed_at ON aerodag.artifact DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aerodag.keep_products_total();

--
-- Name: artifact keep_summary; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER keep_summary AFTER INSERT OR UPDATE OF is_current, bbox, gsd_m, details, removed_at ON aerodag.artifact DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.kind = ANY (ARRAY['orthophoto'::text, 'thumbnail'::text])) AND (new.name = ''::text))) EXECUTE FUNCTION aerodag.keep_summary();

--
-- Name: dataset keep_summary; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER keep_summary AFTER INSERT OR DELETE OR UPDATE OF name, owner, project, access, quarantined_at, archived_at ON aerodag.dataset DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aerodag.keep_summary_of_dataset();

--
-- Name: image keep_summary; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER keep_summary AFTER INSERT OR DELETE OR UPDATE OF status, rtk_flag, longitude, latitude ON aerodag.image DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aerodag.keep_summary();

--
-- Name: run keep_summary; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER keep_summary AFTER INSERT OR UPDATE OF state, attempt_at ON aerodag.run DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aerodag.keep_summary();

--
-- Name: start_request keep_summary; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER keep_summary AFTER INSERT OR DELETE ON aerodag.start_request DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aerodag.keep_summary();

--
-- Name: dataset keep_uploads_total; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE CONSTRAINT TRIGGER keep_uploads_total AFTER INSERT OR DELETE OR UPDATE OF upload_type, raw_uri, quarantined_at, archived_at, size_bytes ON aerodag.dataset DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION aerodag.keep_uploads_total();

--
-- Name: run note_first_run; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE TRIGGER note_first_run AFTER INSERT ON aerodag.run FOR EACH ROW EXECUTE FUNCTION aerodag.note_first_run();

--
-- Name: run tell_end_of_run; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE TRIGGER tell_end_of_run AFTER UPDATE OF state ON aerodag.run FOR EACH ROW WHEN (((old.state <> new.state) AND (new.state = ANY (ARRAY['succeeded'::text, 'degraded'::text, 'failed'::text, 'cancelled'::text])))) EXECUTE FUNCTION aerodag.tell_end_of_run();

--
-- Name: event tell_event; Type: TRIGGER; Schema: aerodag; Owner: -
--

CREATE TRIGGER tell_event AFTER INSERT ON aerodag.event FOR EACH ROW WHEN ((new.kind <> 'notification.failed'::text)) EXECUTE FUNCTION aerodag.tell_event();

--
-- Name: artifact artifact_run_id_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.artifact
    ADD CONSTRAINT artifact_run_id_dataset_id_fkey FOREIGN KEY (run_id, dataset_id) REFERENCES aerodag.run(id, dataset_id) ON DELETE CASCADE;

--
-- Name: check_result check_result_name_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.check_result
    ADD CONSTRAINT check_result_name_fkey FOREIGN KEY (name) REFERENCES aerodag.quality_check(name) ON UPDATE CASCADE;

--
-- Name: check_result check_result_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.check_result
    ADD CONSTRAINT check_result_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: engine_job engine_job_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.engine_job
    ADD CONSTRAINT engine_job_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: engine_stage engine_stage_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.engine_stage
    ADD CONSTRAINT engine_stage_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: event event_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.event
    ADD CONSTRAINT event_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES aerodag.dataset(id) ON DELETE CASCADE;

--
-- Name: event event_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.event
    ADD CONSTRAINT event_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: finding finding_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.finding
    ADD CONSTRAINT finding_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: image image_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.image
    ADD CONSTRAINT image_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES aerodag.dataset(id) ON DELETE CASCADE;

--
-- Name: image image_duplicate_of_dataset_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.image
    ADD CONSTRAINT image_duplicate_of_dataset_fkey FOREIGN KEY (duplicate_of_dataset) REFERENCES aerodag.dataset(id) ON DELETE SET NULL;

--
-- Name: outbox outbox_event_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.outbox
    ADD CONSTRAINT outbox_event_id_fkey FOREIGN KEY (event_id) REFERENCES aerodag.event(id) ON DELETE CASCADE;

--
-- Name: outbox outbox_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.outbox
    ADD CONSTRAINT outbox_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: outbox outbox_subscription_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.outbox
    ADD CONSTRAINT outbox_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES aerodag.subscription(id) ON DELETE CASCADE;

--
-- Name: review review_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.review
    ADD CONSTRAINT review_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: rtk_file rtk_file_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.rtk_file
    ADD CONSTRAINT rtk_file_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES aerodag.dataset(id) ON DELETE CASCADE;

--
-- Name: run run_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.run
    ADD CONSTRAINT run_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES aerodag.dataset(id) ON DELETE CASCADE;

--
-- Name: start_request start_request_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.start_request
    ADD CONSTRAINT start_request_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES aerodag.dataset(id) ON DELETE CASCADE;

--
-- Name: step step_run_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.step
    ADD CONSTRAINT step_run_id_fkey FOREIGN KEY (run_id) REFERENCES aerodag.run(id) ON DELETE CASCADE;

--
-- Name: stress_cell stress_cell_run_id_name_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.stress_cell
    ADD CONSTRAINT stress_cell_run_id_name_fkey FOREIGN KEY (run_id, name) REFERENCES aerodag.vegetation_index(run_id, name) ON DELETE CASCADE;

--
-- Name: upload_chunk upload_chunk_upload_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.upload_chunk
    ADD CONSTRAINT upload_chunk_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES aerodag.upload(id) ON DELETE CASCADE;

--
-- Name: upload upload_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.upload
    ADD CONSTRAINT upload_dataset_id_fkey FOREIGN KEY (dataset_id) REFERENCES aerodag.dataset(id) ON DELETE SET NULL;

--
-- Name: vegetation_index vegetation_index_run_id_dataset_id_fkey; Type: FK CONSTRAINT; Schema: aerodag; Owner: -
--

ALTER TABLE ONLY aerodag.vegetation_index
    ADD CONSTRAINT vegetation_index_run_id_dataset_id_fkey FOREIGN KEY (run_id, dataset_id) REFERENCES aerodag.run(id, dataset_id) ON DELETE CASCADE;

--
-- Name: artifact; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.artifact ENABLE ROW LEVEL SECURITY;

--
-- Name: check_result; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.check_result ENABLE ROW LEVEL SECURITY;

--
-- Name: dataset; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.dataset ENABLE ROW LEVEL SECURITY;

--
-- Name: dataset_summary; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.dataset_summary ENABLE ROW LEVEL SECURITY;

--
-- Name: dataset_total; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.dataset_total ENABLE ROW LEVEL SECURITY;

--
-- Name: duration_total; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.duration_total ENABLE ROW LEVEL SECURITY;

--
-- Name: ending_total; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.ending_total ENABLE ROW LEVEL SECURITY;

--
-- Name: engine_job; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.engine_job ENABLE ROW LEVEL SECURITY;

--
-- Name: engine_stage; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.engine_stage ENABLE ROW LEVEL SECURITY;

--
-- Name: event; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.event ENABLE ROW LEVEL SECURITY;

--
-- Name: finding; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.finding ENABLE ROW LEVEL SECURITY;

--
-- Name: hold; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.hold ENABLE ROW LEVEL SECURITY;

--
-- Name: image; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.image ENABLE ROW LEVEL SECURITY;

--
-- Name: observation; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.observation ENABLE ROW LEVEL SECURITY;

--
-- Name: outbox; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.outbox ENABLE ROW LEVEL SECURITY;

--
-- Name: quality_check; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.quality_check ENABLE ROW LEVEL SECURITY;

--
-- Name: hold reader_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_all ON aerodag.hold FOR SELECT TO aerodag_reader USING (true);

--
-- Name: quality_check reader_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_all ON aerodag.quality_check FOR SELECT TO aerodag_reader USING (true);

--
-- Name: artifact reader_by_dataset; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_dataset ON aerodag.artifact FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.dataset
  WHERE (dataset.id = artifact.dataset_id))));

--
-- Name: image reader_by_dataset; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_dataset ON aerodag.image FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.dataset
  WHERE (dataset.id = image.dataset_id))));

--
-- Name: rtk_file reader_by_dataset; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_dataset ON aerodag.rtk_file FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.dataset
  WHERE (dataset.id = rtk_file.dataset_id))));

--
-- Name: run reader_by_dataset; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_dataset ON aerodag.run FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.dataset
  WHERE (dataset.id = run.dataset_id))));

--
-- Name: start_request reader_by_dataset; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_dataset ON aerodag.start_request FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.dataset
  WHERE (dataset.id = start_request.dataset_id))));

--
-- Name: vegetation_index reader_by_dataset; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_dataset ON aerodag.vegetation_index FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.dataset
  WHERE (dataset.id = vegetation_index.dataset_id))));

--
-- Name: check_result reader_by_run; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_run ON aerodag.check_result FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = check_result.run_id))));

--
-- Name: engine_job reader_by_run; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_run ON aerodag.engine_job FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = engine_job.run_id))));

--
-- Name: engine_stage reader_by_run; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_run ON aerodag.engine_stage FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = engine_stage.run_id))));

--
-- Name: finding reader_by_run; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_run ON aerodag.finding FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = finding.run_id))));

--
-- Name: review reader_by_run; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_run ON aerodag.review FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = review.run_id))));

--
-- Name: step reader_by_run; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_run ON aerodag.step FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = step.run_id))));

--
-- Name: stress_cell reader_by_run; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_run ON aerodag.stress_cell FOR SELECT TO aerodag_reader USING ((EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = stress_cell.run_id))));

--
-- Name: event reader_by_subject; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_by_subject ON aerodag.event FOR SELECT TO aerodag_reader USING (((EXISTS ( SELECT
   FROM aerodag.dataset
  WHERE (dataset.id = event.dataset_id))) OR (EXISTS ( SELECT
   FROM aerodag.run
  WHERE (run.id = event.run_id)))));

--
-- Name: dataset reader_public_or_own; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY reader_public_or_own ON aerodag.dataset FOR SELECT TO aerodag_reader USING (((access = 'public'::text) OR (owner = CURRENT_USER)));

--
-- Name: review; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.review ENABLE ROW LEVEL SECURITY;

--
-- Name: rtk_file; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.rtk_file ENABLE ROW LEVEL SECURITY;

--
-- Name: run; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.run ENABLE ROW LEVEL SECURITY;

--
-- Name: start_request; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.start_request ENABLE ROW LEVEL SECURITY;

--
-- Name: step; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.step ENABLE ROW LEVEL SECURITY;

--
-- Name: storage_total; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.storage_total ENABLE ROW LEVEL SECURITY;

--
-- Name: stress_cell; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.stress_cell ENABLE ROW LEVEL SECURITY;

--
-- Name: subscription; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.subscription ENABLE ROW LEVEL SECURITY;

--
-- Name: upload; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.upload ENABLE ROW LEVEL SECURITY;

--
-- Name: upload_chunk; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.upload_chunk ENABLE ROW LEVEL SECURITY;

--
-- Name: vegetation_index; Type: ROW SECURITY; Schema: aerodag; Owner: -
--

ALTER TABLE aerodag.vegetation_index ENABLE ROW LEVEL SECURITY;

--
-- Name: artifact worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.artifact TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: check_result worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.check_result TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: dataset worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.dataset TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: dataset_summary worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.dataset_summary FOR SELECT TO aerodag_worker USING (true);

--
-- Name: dataset_total worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.dataset_total FOR SELECT TO aerodag_worker USING (true);

--
-- Name: duration_total worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.duration_total FOR SELECT TO aerodag_worker USING (true);

--
-- Name: ending_total worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.ending_total FOR SELECT TO aerodag_worker USING (true);

--
-- Name: engine_job worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.engine_job TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: engine_stage worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.engine_stage TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: event worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.event TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: finding worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.finding TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: hold worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.hold TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: image worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.image TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: observation worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.observation TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: outbox worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.outbox TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: quality_check worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.quality_check TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: review worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.review TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: rtk_file worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.rtk_file TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: run worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.run TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: start_request worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.start_request TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: step worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.step TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: storage_total worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.storage_total FOR SELECT TO aerodag_worker USING (true);

--
-- Name: stress_cell worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.stress_cell TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: subscription worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.subscription TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: upload worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.upload TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: upload_chunk worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.upload_chunk TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: vegetation_index worker_all; Type: POLICY; Schema: aerodag; Owner: -
--

CREATE POLICY worker_all ON aerodag.vegetation_index TO aerodag_worker USING (true) WITH CHECK (true);

--
-- Name: SCHEMA aerodag; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA aerodag TO aerodag_worker;
GRANT USAGE ON SCHEMA aerodag TO aerodag_reader;

--
-- Name: FUNCTION add_ending(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.add_ending() FROM PUBLIC;

--
-- Name: TABLE artifact; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.artifact TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.artifact TO aerodag_reader;

--
-- Name: FUNCTION add_product(product aerodag.artifact, times integer); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.add_product(product aerodag.artifact, times integer) FROM PUBLIC;

--
-- Name: TABLE dataset_summary; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.dataset_summary TO aerodag_worker;

--
-- Name: FUNCTION add_to_dataset_total(summary aerodag.dataset_summary, times integer); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.add_to_dataset_total(summary aerodag.dataset_summary, times integer) FROM PUBLIC;

--
-- Name: FUNCTION add_to_storage_total(what text, which text, valid boolean, times integer, size bigint); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.add_to_storage_total(what text, which text, valid boolean, times integer, size bigint) FROM PUBLIC;

--
-- Name: TABLE dataset; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.dataset TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.dataset TO aerodag_reader;

--
-- Name: FUNCTION add_upload(upload aerodag.dataset, times integer); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.add_upload(upload aerodag.dataset, times integer) FROM PUBLIC;

--
-- Name: FUNCTION derive_run_state(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.derive_run_state() FROM PUBLIC;

--
-- Name: FUNCTION duration_bounds(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.duration_bounds() FROM PUBLIC;
GRANT ALL ON FUNCTION aerodag.duration_bounds() TO aerodag_worker;

--
-- Name: FUNCTION keep_products_total(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.keep_products_total() FROM PUBLIC;

--
-- Name: FUNCTION keep_summary(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.keep_summary() FROM PUBLIC;

--
-- Name: FUNCTION keep_summary_of_dataset(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.keep_summary_of_dataset() FROM PUBLIC;

--
-- Name: FUNCTION keep_uploads_total(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.keep_uploads_total() FROM PUBLIC;

--
-- Name: FUNCTION note_first_run(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.note_first_run() FROM PUBLIC;

--
-- Name: FUNCTION summarise(wanted bigint); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.summarise(wanted bigint) FROM PUBLIC;

--
-- Name: FUNCTION summarise_all(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.summarise_all() FROM PUBLIC;

--
-- Name: FUNCTION summary_of(wanted bigint); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.summary_of(wanted bigint) FROM PUBLIC;

--
-- Name: FUNCTION tell(event_name text, about_dataset bigint, about_run bigint, about_event bigint, facts jsonb); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.tell(event_name text, about_dataset bigint, about_run bigint, about_event bigint, facts jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION aerodag.tell(event_name text, about_dataset bigint, about_run bigint, about_event bigint, facts jsonb) TO aerodag_worker;

--
-- Name: FUNCTION tell_end_of_run(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.tell_end_of_run() FROM PUBLIC;

--
-- Name: FUNCTION tell_event(); Type: ACL; Schema: aerodag; Owner: -
--

REVOKE ALL ON FUNCTION aerodag.tell_event() FROM PUBLIC;

--
-- Name: TABLE check_result; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.check_result TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.check_result TO aerodag_reader;

--
-- Name: TABLE step; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.step TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.step TO aerodag_reader;

--
-- Name: TABLE current_product; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.current_product TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.current_product TO aerodag_reader;

--
-- Name: TABLE engine_job; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.engine_job TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.engine_job TO aerodag_reader;

--
-- Name: TABLE engine_stage; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.engine_stage TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.engine_stage TO aerodag_reader;

--
-- Name: TABLE event; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT ON TABLE aerodag.event TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.event TO aerodag_reader;

--
-- Name: TABLE review; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.review TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.review TO aerodag_reader;

--
-- Name: TABLE run; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.run TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.run TO aerodag_reader;

--
-- Name: TABLE waiting_engine; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.waiting_engine TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.waiting_engine TO aerodag_reader;

--
-- Name: TABLE waiting_review; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.waiting_review TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.waiting_review TO aerodag_reader;

--
-- Name: TABLE dataset_item; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.dataset_item TO aerodag_worker;

--
-- Name: TABLE dataset_total; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.dataset_total TO aerodag_worker;

--
-- Name: TABLE duration_total; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.duration_total TO aerodag_worker;

--
-- Name: TABLE ending_total; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.ending_total TO aerodag_worker;

--
-- Name: TABLE finding; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.finding TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.finding TO aerodag_reader;

--
-- Name: TABLE hold; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.hold TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.hold TO aerodag_reader;

--
-- Name: TABLE image; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.image TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.image TO aerodag_reader;

--
-- Name: TABLE observation; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.observation TO aerodag_worker;

--
-- Name: TABLE outbox; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.outbox TO aerodag_worker;

--
-- Name: TABLE quality_check; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.quality_check TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.quality_check TO aerodag_reader;

--
-- Name: TABLE rtk_file; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.rtk_file TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.rtk_file TO aerodag_reader;

--
-- Name: TABLE run_quality; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.run_quality TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.run_quality TO aerodag_reader;

--
-- Name: TABLE start_request; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.start_request TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.start_request TO aerodag_reader;

--
-- Name: TABLE storage_total; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT ON TABLE aerodag.storage_total TO aerodag_worker;

--
-- Name: TABLE stress_cell; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE aerodag.stress_cell TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.stress_cell TO aerodag_reader;

--
-- Name: TABLE subscription; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE aerodag.subscription TO aerodag_worker;

--
-- Name: TABLE upload; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE aerodag.upload TO aerodag_worker;

--
-- Name: TABLE upload_chunk; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE aerodag.upload_chunk TO aerodag_worker;

--
-- Name: TABLE vegetation_index; Type: ACL; Schema: aerodag; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE aerodag.vegetation_index TO aerodag_worker;
GRANT SELECT ON TABLE aerodag.vegetation_index TO aerodag_reader;

--
-- Name: TABLE schema_migrations; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.schema_migrations TO aerodag_worker;

--
-- Name: TABLE v2_cogs; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.v2_cogs TO aerodag_worker;
GRANT SELECT ON TABLE public.v2_cogs TO aerodag_reader;

--
-- Name: TABLE v2_metadata; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.v2_metadata TO aerodag_worker;
GRANT SELECT ON TABLE public.v2_metadata TO aerodag_reader;

--
-- Name: TABLE v2_orthos; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.v2_orthos TO aerodag_worker;
GRANT SELECT ON TABLE public.v2_orthos TO aerodag_reader;

--
-- Name: TABLE v2_processing_overview; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.v2_processing_overview TO aerodag_worker;
GRANT SELECT ON TABLE public.v2_processing_overview TO aerodag_reader;

--
-- Name: TABLE v2_raw_images; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.v2_raw_images TO aerodag_worker;
GRANT SELECT ON TABLE public.v2_raw_images TO aerodag_reader;

--
-- Name: TABLE v2_statuses; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.v2_statuses TO aerodag_worker;
GRANT SELECT ON TABLE public.v2_statuses TO aerodag_reader;

--
-- Name: TABLE v2_thumbnails; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.v2_thumbnails TO aerodag_worker;
GRANT SELECT ON TABLE public.v2_thumbnails TO aerodag_reader;

--
-- PostgreSQL database dump complete
--
