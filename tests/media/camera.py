"""What cameras write beside a picture."""

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational


def camera(orientation: int = 1) -> Image.Exif:
    """What a camera writes, somewhere in the south of South America."""
    exif = Image.Exif()
    exif[Base.Make] = "Acme"
    exif[Base.Model] = "Box 3"
    exif[Base.Orientation] = orientation
    exif[Base.DateTime] = "2026:02:03 04:05:06"
    exif.get_ifd(IFD.Exif).update(
        {
            Base.DateTimeOriginal: "2025:06:07 08:09:10",
            Base.OffsetTimeOriginal: "-03:00",
            Base.ExposureTime: IFDRational(1, 250),
            Base.FNumber: IFDRational(28, 10),
            Base.ISOSpeedRatings: 400,
            Base.FocalLength: IFDRational(35),
            Base.LensModel: "35mm F2.8",
            Base.UserComment: b"ASCII\0\0\0on the way",
        }
    )
    exif.get_ifd(IFD.GPSInfo).update(
        {
            GPS.GPSLatitudeRef: "S",
            GPS.GPSLatitude: (IFDRational(54), IFDRational(48), IFDRational(30)),
            GPS.GPSLongitudeRef: "W",
            GPS.GPSLongitude: (IFDRational(68), IFDRational(18), IFDRational(0)),
            GPS.GPSAltitudeRef: b"\x00",
            GPS.GPSAltitude: IFDRational(235, 10),
        }
    )
    return exif
