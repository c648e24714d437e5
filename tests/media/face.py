"""A face, drawn: dark where faces are dark, and bright where they are bright."""

from PIL import Image, ImageDraw, ImageFilter

# Ellipses on a square of 240: middle, radii, grey. Hair, face, brows, sockets, eyes, nose, mouth, chin.
PARTS = [
    (120, 95, 78, 85, 60), (120, 125, 64, 85, 190),
    *((x, 88, 22, 6, 70) for x in (92, 148)), *((x, 108, 20, 11, 110) for x in (92, 148)),
    *((x, 108, 15, 7, 235) for x in (92, 148)), *((x, 108, 7, 7, 30) for x in (92, 148)),
    (120, 118, 9, 30, 215), (120, 146, 16, 8, 150), (112, 149, 4, 3, 60), (128, 149, 4, 3, 60),
    (120, 175, 28, 9, 90), (120, 205, 30, 8, 170),
]  # fmt: skip


def face(size: int = 240) -> Image.Image:
    """A face that fills a square."""
    picture = Image.new("L", (size, size), 200)
    draw = ImageDraw.Draw(picture)
    scale = size / 240
    for x, y, across, down, grey in PARTS:
        corners = [(x - across) * scale, (y - down) * scale, (x + across) * scale, (y + down) * scale]
        draw.ellipse(corners, fill=grey)
    return picture.filter(ImageFilter.GaussianBlur(2 * scale)).convert("RGB")


def group(places: list[tuple[int, int]], size: tuple[int, int] = (640, 480), side: int = 160) -> Image.Image:
    """Faces of one size, with their top left corners at these places."""
    picture = Image.new("RGB", size, (200, 200, 200))
    for place in places:
        picture.paste(face(side), place)
    return picture
