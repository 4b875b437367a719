insert into aerodag.image (
    dataset_id, engine_name, zip_path, sha256, size_bytes, width, height, make, model, serial, lens, modality, focal_mm,
    focal_px, digital_zoom, band, sensor_group, captured_at, captured_source, longitude, latitude, altitude, position_source,
    relative_altitude, yaw, pitch, roll, rtk_flag, std_e_m, std_n_m, std_u_m, sharpness, exposure, gsd_cm, flight,
    status, reasons, duplicate_of, duplicate_of_dataset, registered, exif
) values (
    %(dataset_id)s, %(engine_name)s, %(zip_path)s, %(sha256)s, %(size_bytes)s, %(width)s, %(height)s, %(make)s,
    %(model)s, %(serial)s, %(lens)s, %(modality)s, %(focal_mm)s, %(focal_px)s, %(digital_zoom)s, %(band)s, %(sensor_group)s,
    %(captured_at)s, %(captured_source)s, %(longitude)s, %(latitude)s, %(altitude)s, %(position_source)s,
    %(relative_altitude)s, %(yaw)s, %(pitch)s, %(roll)s, %(rtk_flag)s, %(std_e_m)s, %(std_n_m)s, %(std_u_m)s,
    %(sharpness)s, %(exposure)s, %(gsd_cm)s, %(flight)s, %(status)s, %(reasons)s, %(duplicate_of)s,
    %(duplicate_of_dataset)s, %(registered)s, %(exif)s
)
