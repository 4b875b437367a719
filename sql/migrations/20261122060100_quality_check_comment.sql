-- migrate:up
comment on table aerodag.quality_check is
    'What is asked of every run''s data. Thresholds are an operator''s to change: update aerodag.quality_check set '
    'threshold = 0.7 where name = ''images.assigned_share''. The query evaluate_checks says how a value is measured.';

-- migrate:down
comment on table aerodag.quality_check is
    'What is asked of every run''s data. Thresholds are an operator''s to change: update aerodag.quality_check set '
    'threshold = 0.7 where name = ''images.assigned_share''. How a value is measured is in sql/queries/evaluate_checks.sql.';
