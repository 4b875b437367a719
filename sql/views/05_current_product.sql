drop view if exists aerodag.current_product cascade;

create view aerodag.current_product with (security_invoker = true) as
select
    artifact.*,
    made.version,
    making.duration_s
from aerodag.artifact
cross join lateral (
    select count(*)::integer as version
    from aerodag.artifact as up_to_it
    where up_to_it.dataset_id = artifact.dataset_id
        and up_to_it.kind = artifact.kind
        and up_to_it.name = artifact.name
        and up_to_it.id <= artifact.id
) as made
left join lateral (
    select step.duration_s
    from aerodag.step
    where step.run_id = artifact.run_id
        and step.name = case artifact.kind
            when 'orthophoto' then 'publish_ortho'
            when 'standardised' then 'standardise'
            else artifact.kind
        end
        and step.state = 'succeeded'
    order by step.try_number desc
    limit 1
) as making on true
where artifact.is_current;

comment on view aerodag.current_product is
    'What is valid for each dataset now, with its number among the versions and the seconds that its step took.';

grant select on aerodag.current_product to aerodag_worker, aerodag_reader;
