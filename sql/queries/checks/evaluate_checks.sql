-- Measure a run by what the ledger holds, judge it by the checks that are enabled now, and keep the verdicts with the
-- thresholds. Judging again replaces what was judged before. A value is null with the reason why; a number is only
-- taken from a document where it is one, so that no odd document can make this fail.
with subject as (
    select run.*, dataset.upload_type
    from aerodag.run
    join aerodag.dataset on dataset.id = run.dataset_id
    where run.id = %(run_id)s
),
picture as (
    select
        count(*) as total,
        count(*) filter (where image.status = 'assigned') as assigned,
        count(*) filter (
            where image.status = 'assigned'
                or not (
                    image.status = 'duplicate'
                    or image.reasons && array['image.other_sensor', 'imagery.incomplete_capture', 'image.excluded']
                )
        ) as wanted,
        count(*) filter (where image.status = 'assigned' and 'image.blurred' = any(image.reasons)) as blurred,
        count(*) filter (where image.reasons && array['image.black', 'image.white']) as badly_exposed,
        count(*) filter (
            where image.reasons && array['image.truncated', 'image.damaged', 'image.unreadable', 'image.wrong_type']
        ) as damaged,
        count(*) filter (where image.status = 'duplicate') as duplicates,
        count(*) filter (where image.duplicate_of_dataset is not null) as known_elsewhere,
        count(image.longitude) as positioned,
        count(image.captured_at) as timed,
        count(*) filter (where image.reasons && array['image.position_outlier', 'image.wrong_mission']) as strays,
        count(*) filter (where image.status = 'assigned' and image.longitude is not null) as placed,
        count(*) filter (
            where image.status = 'assigned' and image.longitude is not null and image.altitude <> 0
        ) as placed_high,
        coalesce(bool_or(image.rtk_flag > 0), false) as rtk_flags,
        count(*) filter (where image.status = 'assigned' and image.rtk_flag >= 50) as fixed,
        count(*) filter (where image.status = 'assigned' and image.exif ? 'aerodag:mark') as marked,
        percentile_cont(0.5) within group (order by greatest(image.std_e_m, image.std_n_m))
            filter (where image.status = 'assigned' and greatest(image.std_e_m, image.std_n_m) < 'infinity')
            as deviation_m,
        percentile_cont(0.5) within group (order by image.gsd_cm)
            filter (where image.status = 'assigned' and image.gsd_cm < 'infinity') as gsd_cm
    from aerodag.image
    join subject on subject.dataset_id = image.dataset_id
),
receiver as (
    select
        count(*) as files,
        count(*) filter (where rtk_file.kind = 'mrk') as mark_files,
        sum(rtk_file.records) filter (where rtk_file.kind = 'mrk') as records,
        sum(rtk_file.matched) filter (where rtk_file.kind = 'mrk') as matched
    from aerodag.rtk_file
    join subject on subject.dataset_id = rtk_file.dataset_id
),
attempt as (
    select
        coalesce((array_agg(step.metrics order by step.try_number desc) filter (where step.name = 'odm'))[1], '{}')
            as engine,
        coalesce((array_agg(step.metrics order by step.try_number desc) filter (where step.name = 'plan_engine'))[1], '{}')
            as plan,
        coalesce((array_agg(step.metrics order by step.try_number desc) filter (where step.name = 'publish_ortho'))[1], '{}')
            as publishing,
        coalesce(bool_or(step.name = 'odm'), false) as reconstructed
    from aerodag.step
    join subject on subject.id = step.run_id
    where step.state in ('succeeded', 'running') and step.name in ('odm', 'plan_engine', 'publish_ortho')
),
remark as (
    select
        count(*) filter (where finding.severity in ('degraded', 'error')) as serious,
        max(jsonb_path_query_first(finding.numbers, '$.reconstructions ? (@.type() == "number")')::double precision)
            filter (where finding.code = 'engine.in_parts') as parts
    from aerodag.finding
    join subject on subject.id = finding.run_id
),
files as (
    select
        count(*) as total,
        count(artifact.sha256) as checksummed,
        count(*) filter (where artifact.kind = 'thumbnail') as thumbnails,
        array_agg(artifact.kind) filter (where artifact.name = '') as kinds
    from aerodag.artifact
    join subject on subject.id = artifact.run_id
),
orthophoto as (
    select artifact.*
    from aerodag.artifact
    join subject on subject.id = artifact.run_id
    where artifact.kind = 'orthophoto' and artifact.name = ''
),
cog as (
    select artifact.*
    from aerodag.artifact
    join subject on subject.id = artifact.run_id
    where artifact.kind = 'cog' and artifact.name = ''
),
below as (
    select
        count(*) as cameras,
        count(*) filter (
            where image.latitude between orthophoto.bbox[2] and orthophoto.bbox[4]
                and case
                    when orthophoto.bbox[1] <= orthophoto.bbox[3]
                        then image.longitude between orthophoto.bbox[1] and orthophoto.bbox[3]
                    else image.longitude >= orthophoto.bbox[1] or image.longitude <= orthophoto.bbox[3]
                end
        ) as inside
    from orthophoto
    join aerodag.image on image.dataset_id = orthophoto.dataset_id
    where image.registered and image.longitude is not null and orthophoto.bbox is not null
),
-- Of the valid pixels: the canvas of a COG in a web grid is padded to whole tiles. Across the antimeridian, east counts
-- on beyond 180 degrees.
box as (
    select
        made.product,
        min(point.longitude) as west,
        min((corner.position ->> 1)::double precision) as south,
        max(point.longitude) as east,
        max((corner.position ->> 1)::double precision) as north
    from (
        select 'cog' as product, bbox, footprint from cog
        union all
        select 'orthophoto', bbox, footprint from orthophoto
    ) as made
    cross join lateral jsonb_path_query(
        made.footprint,
        'strict $.coordinates.** ? (@.type() == "array" && @[0].type() == "number" && @[1].type() == "number")', '{}', true
    ) as corner (position)
    cross join lateral (
        select
            (corner.position ->> 0)::double precision
            + case when made.bbox[3] < made.bbox[1] and (corner.position ->> 0)::double precision < 0 then 360 else 0 end
            as longitude
    ) as point
    group by made.product
),
overlap as (
    select
        greatest(least(one.east, other.east) - greatest(one.west, other.west), 0)
        * greatest(least(one.north, other.north) - greatest(one.south, other.south), 0) as common,
        (one.east - one.west) * (one.north - one.south) as area,
        (other.east - other.west) * (other.north - other.south) as other_area
    from box as one
    join box as other on one.product = 'cog' and other.product = 'orthophoto'
),
figure as (
    select
        jsonb_path_query_first(attempt.engine, '$.registered ? (@.type() == "number")')::double precision as registered,
        jsonb_path_query_first(attempt.engine, '$.unregistered ? (@.type() == "number")')::double precision
            as unregistered,
        jsonb_path_query_first(attempt.engine, '$.statistics.components ? (@.type() == "number")')::double precision
            as components,
        jsonb_path_query_first(
            attempt.engine, '$.statistics.reprojection_error_pixels ? (@.type() == "number")'
        )::double precision as reprojection_px,
        jsonb_path_query_first(attempt.engine, '$.statistics.gps_average_error_m ? (@.type() == "number")')
            ::double precision as gps_error_m,
        jsonb_path_query_first(attempt.plan, '$.expected_gsd_cm ? (@.type() == "number")')::double precision
            as expected_gsd_cm,
        jsonb_path_query_first(attempt.publishing, '$.placement.hull_covered ? (@.type() == "number")')
            ::double precision as hull_covered,
        jsonb_path_query_first(attempt.publishing, '$.placement.size_ratio ? (@.type() == "number")')
            ::double precision as size_ratio,
        coalesce(
            jsonb_path_query_first(subject.plan, '$.orthophoto_resolution_cm ? (@.type() == "number")'),
            jsonb_path_query_first(subject.plan, '$.options."orthophoto-resolution" ? (@.type() == "number")')
        )::double precision as asked_gsd_cm,
        jsonb_path_query_first(subject.preflight, '$.coverage.forward_overlap ? (@.type() == "number")')
            ::double precision as forward_overlap,
        jsonb_path_query_first(subject.preflight, '$.coverage.side_overlap ? (@.type() == "number")')
            ::double precision as side_overlap,
        jsonb_path_query_first(subject.preflight, '$.coverage.gap_area_m2 ? (@.type() == "number")')
            ::double precision as gap_area_m2,
        jsonb_path_query_first(subject.preflight, '$.coverage.area_m2 ? (@.type() == "number")')::double precision
            as survey_area_m2,
        (
            select jsonb_path_query_first(details, '$.raster.valid_ratio ? (@.type() == "number")')::double precision
            from orthophoto
        ) as valid_ratio,
        (
            select jsonb_path_query_first(details, '$.raster.valid_area_m2 ? (@.type() == "number")')::double precision
            from orthophoto
        ) as valid_area_m2,
        (select gsd_m * 100 from orthophoto) as gsd_cm
    from subject, attempt
),
asked as (
    select count(*) filter (where product.kind <> all(coalesce(files.kinds, '{}'))) as missing
    from subject
    cross join files
    join (
        values
            ('odm_processing', 'orthophoto'),
            ('geotiff', 'standardised'),
            ('cog', 'cog'),
            ('thumbnail', 'thumbnail'),
            ('metadata', 'metadata'),
            ('indices', 'indices')
    ) as product (task_type, kind) on product.task_type = any(subject.task_types)
),
measured as (
    select entry.name, nullif(entry.value, 'NaN') as value, entry.reason
    from subject, picture, receiver, attempt, remark, files, below, figure, asked
    left join overlap on true
    cross join lateral (
        select
            'The upload has no images.' as no_images,
            'No image goes to the engine.' as none_assigned,
            case
                when picture.assigned = 0 then 'No image goes to the engine.'
                when receiver.files = 0 and not picture.rtk_flags then 'RTK was not flown.'
            end as no_rtk,
            case
                when subject.upload_type = 'geotiff' then 'The upload is a finished map.'
                when not attempt.reconstructed then 'The run made no reconstruction.'
                else 'The engine does not tell.'
            end as no_engine,
            case when subject.preflight is null then 'The run has no pre-flight report.'
                else 'The pre-flight report could not estimate it.'
            end as no_preflight,
            case
                when 'orthophoto' <> all(coalesce(files.kinds, '{}')) then 'The run made no orthophoto.'
                when subject.upload_type = 'geotiff' then 'The upload is a finished map.'
                else 'Nothing to compare with is on record.'
            end as no_orthophoto
    ) as why
    cross join lateral (
        values
            ('images.assigned', case when picture.total > 0 then picture.assigned end, why.no_images),
            ('images.assigned_share', picture.assigned / nullif(picture.wanted, 0)::double precision, why.no_images),
            (
                'images.blurred_share', picture.blurred / nullif(picture.assigned, 0)::double precision,
                why.none_assigned
            ),
            (
                'images.badly_exposed_share', picture.badly_exposed / nullif(picture.total, 0)::double precision,
                why.no_images
            ),
            ('images.damaged_share', picture.damaged / nullif(picture.total, 0)::double precision, why.no_images),
            ('images.duplicate_share', picture.duplicates / nullif(picture.total, 0)::double precision, why.no_images),
            (
                'images.known_elsewhere_share',
                picture.known_elsewhere / nullif(picture.total, 0)::double precision, why.no_images
            ),
            ('gps.position_share', picture.positioned / nullif(picture.total, 0)::double precision, why.no_images),
            (
                'gps.altitude_share', picture.placed_high / nullif(picture.placed, 0)::double precision,
                'No image for the engine has a position.'
            ),
            ('gps.outlier_share', picture.strays / nullif(picture.positioned, 0)::double precision, 'No image has a position.'),
            ('gps.time_share', picture.timed / nullif(picture.total, 0)::double precision, why.no_images),
            (
                'rtk.fixed_share',
                case when why.no_rtk is null then picture.fixed / picture.assigned::double precision end, why.no_rtk
            ),
            (
                'rtk.marked_share',
                case when receiver.mark_files > 0 then picture.marked / nullif(picture.assigned, 0)::double precision end,
                case when receiver.mark_files > 0 then why.none_assigned else 'The upload has no mark file.' end
            ),
            (
                'rtk.matched_share', receiver.matched / nullif(receiver.records, 0)::double precision,
                case when receiver.mark_files > 0 then 'No record of the mark files could be read.'
                    else 'The upload has no mark file.'
                end
            ),
            (
                'rtk.deviation_m', case when why.no_rtk is null then picture.deviation_m end,
                coalesce(why.no_rtk, 'No image tells its standard deviation.')
            ),
            ('registration.share', figure.registered / nullif(figure.registered + figure.unregistered, 0), why.no_engine),
            (
                'registration.majority', figure.registered / nullif(figure.registered + figure.unregistered, 0),
                why.no_engine
            ),
            ('registration.components', coalesce(figure.components, remark.parts), why.no_engine),
            ('registration.reprojection_px', figure.reprojection_px, why.no_engine),
            ('registration.gps_error_m', figure.gps_error_m, why.no_engine),
            ('geometry.forward_overlap', figure.forward_overlap, why.no_preflight),
            ('geometry.side_overlap', figure.side_overlap, why.no_preflight),
            ('geometry.gap_share', figure.gap_area_m2 / nullif(figure.survey_area_m2, 0), why.no_preflight),
            ('geometry.hull_covered', figure.hull_covered, why.no_orthophoto),
            ('geometry.cameras_inside', below.inside / nullif(below.cameras, 0)::double precision, why.no_orthophoto),
            ('geometry.size_ratio', figure.size_ratio, why.no_orthophoto),
            ('geometry.area_ratio', figure.valid_area_m2 / nullif(figure.survey_area_m2, 0), why.no_orthophoto),
            ('geometry.valid_share', figure.valid_ratio, why.no_orthophoto),
            (
                'geometry.gsd_ratio',
                figure.gsd_cm / nullif(coalesce(figure.asked_gsd_cm, figure.expected_gsd_cm, picture.gsd_cm), 0),
                why.no_orthophoto
            ),
            ('products.missing', asked.missing, null),
            (
                'products.cog_same_extent',
                overlap.common / nullif(overlap.area + overlap.other_area - overlap.common, 0),
                'The run did not make both COG and orthophoto, or does not tell where they lie.'
            ),
            (
                'products.thumbnails', case when 'thumbnail' = any(subject.task_types) then files.thumbnails end,
                'The run was not asked for thumbnails.'
            ),
            (
                'products.checksummed_share', files.checksummed / nullif(files.total, 0)::double precision,
                'The run made no file.'
            ),
            ('products.serious_findings', remark.serious, null)
    ) as entry (name, value, reason)
),
judged as (
    select
        subject.id as run_id,
        quality_check.name,
        measured.value,
        quality_check.comparison,
        quality_check.threshold,
        quality_check.upper_threshold,
        case
            when measured.value is null then 'unknown'
            when case quality_check.comparison
                when 'at_least' then measured.value >= quality_check.threshold
                when 'at_most' then measured.value <= quality_check.threshold
                when 'equal' then measured.value = quality_check.threshold
                else measured.value between quality_check.threshold and quality_check.upper_threshold
            end then 'pass'
            else quality_check.severity
        end as verdict,
        case
            when measured.value is null
                then coalesce(measured.reason, 'Nothing measures ' || quality_check.name || '.')
        end as reason
    from aerodag.quality_check
    cross join subject
    left join measured on measured.name = quality_check.name
    where quality_check.enabled
),
outdated as (
    delete from aerodag.check_result
    using subject
    where check_result.run_id = subject.id
        and not exists (select from judged where judged.name = check_result.name)
)
insert into aerodag.check_result as present
    (run_id, name, value, comparison, threshold, upper_threshold, verdict, reason)
select run_id, name, value, comparison, threshold, upper_threshold, verdict, reason from judged
on conflict (run_id, name) do update set
    value = excluded.value,
    comparison = excluded.comparison,
    threshold = excluded.threshold,
    upper_threshold = excluded.upper_threshold,
    verdict = excluded.verdict,
    reason = excluded.reason,
    evaluated_at = clock_timestamp()
