"""From light to file: exposure, vignetting, noise, and a JPEG that says of itself what a DJI camera would say."""

from __future__ import annotations

import io
import math
from datetime import UTC
from fractions import Fraction
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from aerodag.simulate.camera import Lens, Singles
from aerodag.simulate.flight import Fix, Shot
from aerodag.simulate.survey import FULL_FRAME_DIAGONAL_MM, Survey

MAKE = "DJI"
MODEL = "AERODAG-SIM"
LENS_MODEL = "AERODAG-SIM 16.0 mm f/4.0"
SENSOR_DIAGONAL_MM = 21.64
F_NUMBER = 4.0
ISO = 100
EXPOSURE_S = 1 / 1000
QUALITY = 90
VIGNETTING = 0.16
NOISE = 1.6


def serial(survey: Survey) -> str:
    """The camera's serial number, another one for every seed."""
    return f"AD{survey.seed % 10**10:010d}"


def falloff(lens: Lens) -> NDArray[np.float32]:
    """Relative brightness by vignetting, shape (height, width, 1)."""
    x = (np.arange(lens.width, dtype=np.float32) + 0.5) / lens.width - 0.5
    y = (np.arange(lens.height, dtype=np.float32) + 0.5) / lens.height - 0.5
    r2 = 2.0 * (x[None, :] ** 2 + y[:, None] ** 2)
    return (1.0 - VIGNETTING * r2 * (0.6 + 0.4 * r2))[..., None].astype(np.float32)


def develop(light: NDArray[np.uint8], shot: Shot, dimming: Singles, rng: np.random.Generator) -> Image.Image:
    """The picture that this exposure makes of the light: gain, white balance, lens falloff, noise, rounding."""
    import cv2

    blurred = cv2.GaussianBlur(light, (0, 0), 0.45).astype(np.float32)
    balance = np.array([1.0 + rng.normal(0.0, 0.008), 1.0, 1.0 + rng.normal(0.0, 0.008)], np.float32)
    blurred *= dimming * (balance * np.float32(shot.gain))
    grain = rng.standard_normal(light.shape[:2], dtype=np.float32)
    blurred += (grain * np.float32(NOISE))[..., None]
    for band in (0, 2):
        blurred[..., band] += np.float32(0.6) * np.roll(grain, 7 + band, axis=1)
    np.clip(np.rint(blurred, out=blurred), 0, 255, out=blurred)
    return Image.fromarray(blurred.astype(np.uint8))


def encode(picture: Image.Image, survey: Survey, shot: Shot) -> bytes:
    """JPEG bytes with EXIF and XMP."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY, exif=_exif(survey, shot), xmp=_xmp(survey, shot))
    return file.getvalue()


def _exif(survey: Survey, shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    base, tag = ExifTags.Base, exif.get_ifd(ExifTags.IFD.Exif)
    local = shot.captured_at
    stamp, offset = f"{local:%Y:%m:%d %H:%M:%S}", f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:5]
    exif[base.ImageDescription] = "default"
    exif[base.Make], exif[base.Model], exif[base.Software] = MAKE, MODEL, "01.00.0000"
    exif[base.Orientation], exif[base.DateTime] = 1, stamp
    exif[base.XResolution] = exif[base.YResolution] = IFDRational(72)
    exif[base.ResolutionUnit] = 2
    tag[base.ExifVersion] = b"0231"
    tag[base.DateTimeOriginal] = tag[base.DateTimeDigitized] = stamp
    tag[base.OffsetTimeOriginal] = tag[base.OffsetTimeDigitized] = offset
    tag[base.SubsecTimeOriginal] = f"{local.microsecond // 1000:03d}"
    tag[base.ExposureTime], tag[base.FNumber] = IFDRational(_fraction(EXPOSURE_S)), IFDRational(_fraction(F_NUMBER))
    tag[base.ISOSpeedRatings], tag[base.ExposureProgram], tag[base.Flash] = ISO, 2, 0
    tag[base.ExposureBiasValue] = IFDRational(_fraction(round(math.log2(shot.gain), 2)))
    focal = survey.focal_35mm * SENSOR_DIAGONAL_MM / FULL_FRAME_DIAGONAL_MM
    tag[base.FocalLength] = IFDRational(round(focal * 1000), 1000)
    tag[base.FocalLengthIn35mmFilm] = survey.focal_35mm
    tag[base.ColorSpace], tag[base.ExifImageWidth], tag[base.ExifImageHeight] = 1, survey.width, survey.height
    tag[base.BodySerialNumber], tag[base.LensModel] = serial(survey), LENS_MODEL
    if shot.fix is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(_gps(shot.fix))
    return exif


def _gps(fix: Fix) -> dict[int, Any]:
    gps = ExifTags.GPS
    return {
        gps.GPSVersionID: b"\x02\x03\x00\x00",
        gps.GPSLatitudeRef: "N" if fix.latitude >= 0 else "S",
        gps.GPSLatitude: _degrees(fix.latitude),
        gps.GPSLongitudeRef: "E" if fix.longitude >= 0 else "W",
        gps.GPSLongitude: _degrees(fix.longitude),
        gps.GPSAltitudeRef: b"\x00" if fix.height >= 0 else b"\x01",
        gps.GPSAltitude: IFDRational(round(abs(fix.height) * 1000), 1000),
        gps.GPSMapDatum: "WGS-84",
    }


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds, the last to 1e-7 (a few micrometres)."""
    ticks = round(abs(value) * 3600 * 10**7)
    minutes, seconds = divmod(ticks, 60 * 10**7)
    degrees, minutes = divmod(minutes, 60)
    return IFDRational(degrees), IFDRational(minutes), IFDRational(seconds, 10**7)


def _fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(10_000)


def _xmp(survey: Survey, shot: Shot) -> bytes:
    """The packet of an enterprise drone, attributes of one rdf:Description."""
    lens = survey.lens
    fields = {
        "xmp:CreateDate": f"{shot.captured_at:%Y-%m-%d}",
        "tiff:Make": MAKE,
        "tiff:Model": MODEL,
        "dc:format": "image/jpeg",
        "drone-dji:ImageSource": "WideCamera",
        **_position(shot),
        "drone-dji:RelativeAltitude": f"{shot.relative_height:+.3f}",
        "drone-dji:GimbalRollDegree": f"{shot.pose.roll:+.2f}",
        "drone-dji:GimbalYawDegree": f"{shot.gimbal_yaw:+.2f}",
        "drone-dji:GimbalPitchDegree": f"{shot.pose.pitch:+.2f}",
        "drone-dji:FlightRollDegree": "+0.00",
        "drone-dji:FlightYawDegree": f"{shot.flight_yaw:+.2f}",
        "drone-dji:FlightPitchDegree": "-3.00",
        "drone-dji:CamReverse": "0",
        "drone-dji:GimbalReverse": "0",
        "drone-dji:CalibratedFocalLength": f"{lens.focal:.6f}",
        "drone-dji:CalibratedOpticalCenterX": f"{lens.width / 2:.6f}",
        "drone-dji:CalibratedOpticalCenterY": f"{lens.height / 2:.6f}",
        "drone-dji:DewarpFlag": "0",
        "drone-dji:DewarpData": (
            f"{survey.started_at:%Y-%m-%d};{lens.focal:.6f},{lens.focal:.6f},0.000000,0.000000,"
            f"{lens.k1:.9f},{lens.k2:.9f},0.000000000,0.000000000,0.000000000"
        ),
        "drone-dji:UTCAtExposure": f"{shot.captured_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}",
        "drone-dji:CameraSerialNumber": serial(survey),
        "drone-dji:DroneModel": MODEL,
    }
    lines = "\n".join(f"   {name}={quoteattr(value)}" for name, value in fields.items())
    return XMP.format(fields=lines).encode()


def _position(shot: Shot) -> dict[str, str]:
    fix = shot.fix
    if fix is None:
        return {"drone-dji:GpsStatus": "Invalid"}
    return {
        "drone-dji:GpsStatus": "RTK" if fix.deviation.flag >= 50 else "Normal",
        "drone-dji:AltitudeType": "RtkAlt" if fix.deviation.flag >= 50 else "GpsFusionAlt",
        "drone-dji:GpsLatitude": f"{fix.latitude:+.10f}",
        "drone-dji:GpsLongitude": f"{fix.longitude:+.10f}",
        "drone-dji:AbsoluteAltitude": f"{fix.height:+.3f}",
        "drone-dji:RtkFlag": str(fix.deviation.flag),
        "drone-dji:RtkStdLon": f"{fix.deviation.east_m:.5f}",
        "drone-dji:RtkStdLat": f"{fix.deviation.north_m:.5f}",
        "drone-dji:RtkStdHgt": f"{fix.deviation.up_m:.5f}",
    }


XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="DJI Meta Data"
   xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
   xmlns:xmp="http://ns.adobe.com/xap/1.0/"
   xmlns:dc="http://purl.org/dc/elements/1.1/"
   xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"
{fields}/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
