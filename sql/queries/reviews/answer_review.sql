update aerodag.review
set answered_at = %(answered_at)s,
    answer = %(answer)s,
    images = %(images)s,
    answered_by = %(answered_by)s,
    by_default = %(by_default)s,
    note = %(note)s,
    refused = %(refused)s
where run_id = %(run_id)s and answered_at is null
