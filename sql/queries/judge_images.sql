update aerodag.image
set status = verdict.status,
    reasons = verdict.reasons,
    sharpness = verdict.sharpness,
    exposure = verdict.exposure,
    duplicate_of = verdict.duplicate_of
from jsonb_to_recordset(%(verdicts)s) as verdict (
    zip_path text, status text, reasons text[], sharpness double precision, exposure jsonb, duplicate_of text
)
where image.dataset_id = %(dataset_id)s and image.zip_path = verdict.zip_path
