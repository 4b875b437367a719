update aerodag.image
set status = verdict.status,
    reasons = verdict.reasons,
    sharpness = verdict.sharpness,
    exposure = verdict.exposure,
    duplicate_of = verdict.duplicate_of,
    duplicate_of_dataset = verdict.duplicate_of_dataset,
    flight = verdict.flight
from jsonb_to_recordset(%(verdicts)s) as verdict (
    zip_path text, status text, reasons text[], sharpness double precision, exposure jsonb, duplicate_of text,
    duplicate_of_dataset bigint, flight integer
)
where image.dataset_id = %(dataset_id)s and image.zip_path = verdict.zip_path
