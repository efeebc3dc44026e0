"""Pictures: whatever a phone sends is encoded anew, so that it holds the picture and nothing else.

The proof that something is a picture is that it decodes; what leaves here was encoded anew, so no place, no camera and
no hidden cargo comes along. One is decoded at a time, so memory stays bounded.
"""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from kaksha.core.errors import BodyTooLarge, Unsupported
from kaksha.core.i18n import N_

__all__ = ["NotAPicture", "TooManyPixels", "clean_picture", "square_webp"]

_MOST_PIXELS = 50_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")
_SIDE = 2560
"""Pixels: a page of handwriting stays readable, a phone's photo becomes a tenth of its size."""
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")


class NotAPicture(Unsupported):
    code, text = "NOT_A_PICTURE", N_("This is not a picture we can read. Please send a JPEG, PNG or WebP.")


class TooManyPixels(BodyTooLarge):
    code, text = "TOO_MANY_PIXELS", N_("This picture is too large. Please send a smaller one.")


async def square_webp(data: bytes, side: int) -> bytes:
    """The middle of a picture, upright, `side` pixels wide and high. Raises NotAPicture or TooManyPixels."""
    return await asyncio.get_running_loop().run_in_executor(_thread, _square_webp, data, side)


async def clean_picture(data: bytes) -> bytes:
    """The same picture in its own format, upright, at most 2560 pixels wide and high.

    Raises NotAPicture or TooManyPixels.
    """
    return await asyncio.get_running_loop().run_in_executor(_thread, _clean_picture, data)


def _clean_picture(data: bytes) -> bytes:
    from PIL import Image, ImageOps  # noqa: PLC0415 - most processes never need it

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:  # known from its head; nothing is decoded yet
                raise TooManyPixels
            kind = picture.format
            picture.draft("RGB", (_SIDE, _SIDE))
            clean = ImageOps.exif_transpose(picture)
            if clean.mode not in ("RGB", "L"):
                clean = clean.convert("RGBA" if kind != "JPEG" and clean.has_transparency_data else "RGB")
            clean.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # whatever Pillow says of bytes that are no picture
        raise NotAPicture from error
    clean.info.clear()  # else comments, profiles and texts of the old file are written again
    out = io.BytesIO()
    clean.save(out, kind, **({} if kind == "PNG" else {"quality": 85}))
    return out.getvalue()


def _square_webp(data: bytes, side: int) -> bytes:
    from PIL import Image, ImageOps  # noqa: PLC0415 - most processes never need it

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:  # known from its head; nothing is decoded yet
                raise TooManyPixels
            picture.draft("RGB", (side * 2, side * 2))
            upright = ImageOps.exif_transpose(picture)
            fitted = ImageOps.fit(upright.convert("RGBA"), (side, side), Image.Resampling.LANCZOS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # whatever Pillow says of bytes that are no picture
        raise NotAPicture from error
    clean = Image.new("RGB", (side, side), "white")
    clean.paste(fitted, mask=fitted.getchannel("A"))
    out = io.BytesIO()
    clean.save(out, "WEBP", quality=82)
    return out.getvalue()
