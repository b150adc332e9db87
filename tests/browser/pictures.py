"""Pictures for the documentation, no larger than they have to be."""

from PIL import Image


def shrink(picture, colours):
    """Give a picture no more colours than these."""
    with Image.open(picture) as image:
        if image.mode != "P":
            image.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(picture, optimize=True)
