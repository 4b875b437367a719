insert into aerodag.stress_cell (run_id, name, "row", col, mean, valid_share, severity, footprint)
select
    %(run_id)s, found.name, found."row", found.col, found.mean, found.valid_share, found.severity, found.footprint
from jsonb_to_recordset(%(cells)s) as found (
    name text, "row" smallint, col smallint, mean double precision, valid_share double precision,
    severity double precision, footprint jsonb
)
