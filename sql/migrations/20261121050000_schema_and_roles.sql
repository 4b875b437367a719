-- migrate:up
create schema aerodag;

comment on schema aerodag is
    'What happened to every dataset. Everything in bytes, metres, degrees (WGS84) and UTC unless a comment says otherwise.';

-- Roles belong to the whole server: another database of it, or a migration running there at this moment,
-- may have made them already.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['aerodag_worker', 'aerodag_reader'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
end
$$;

grant usage on schema aerodag to aerodag_worker, aerodag_reader;

-- migrate:down
-- The roles stay: other databases of this server may use them.
drop schema aerodag;
