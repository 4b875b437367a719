select version from public.schema_migrations order by version
