"""Writes what Pillow makes of small pictures, for the codec of images to agree with.

Needs Pillow and numpy. Each function names the one of Pillow or torchvision that it follows; torchvision itself works
on Pillow's pictures with these very calls.
"""

import base64
import json
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def picture(width, height, channels, seed):
    """Waves, an edge and noise: something for every filter to get wrong."""
    noise = np.random.RandomState(seed).randint(-60, 60, (height, width, channels))
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    waves = 127 + 90 * np.sin(x / (3 + c) + c) * np.cos(y / (4 - c * 0.5))
    edge = np.where(x > y * width / height, 40, -40)
    return np.clip(waves + edge + noise, 0, 255).astype(np.uint8)


def over_background(image, background):
    """Image.paste(image, mask=alpha) on a picture of one colour."""
    rgba = image.convert("RGBA")
    below = Image.new("RGB", rgba.size, tuple(background))
    below.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
    return below


def cover(image, size, shorter_side, resample):
    """torchvision.transforms.Resize(shorter_side), then CenterCrop(size)."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new_long = int(shorter_side * long / short)
    image = image.resize(
        (shorter_side, new_long) if width <= height else (new_long, shorter_side), resample
    )
    left = int(round((image.width - size[0]) / 2.0))
    top = int(round((image.height - size[1]) / 2.0))
    return image.crop((left, top, left + size[0], top + size[1]))


def cover_oblong(image, size, resample):
    """The same for a frame that is no square: torchvision.transforms.Resize((h, w)) to the least size that covers."""
    width, height = image.size
    if width * size[1] <= height * size[0]:
        resized = (size[0], int(size[0] * height / width))
    else:
        resized = (int(size[1] * width / height), size[1])
    image = image.resize(resized, resample)
    left = int(round((image.width - size[0]) / 2.0))
    top = int(round((image.height - size[1]) / 2.0))
    return image.crop((left, top, left + size[0], top + size[1]))


def normalise(pixels, mean, std):
    """torchvision.transforms.ToTensor, then Normalize(mean, std), both in single precision; channels stay last."""
    scaled = pixels.astype(np.float32) / np.float32(255)
    return (scaled - np.float32(mean)) / np.float32(std)


def expected(image, contract):
    size = (contract["width"], contract["height"])
    resample = FILTERS[contract.get("resample", "bilinear")]
    background = contract.get("background", [0, 0, 0])
    image = over_background(image, background)
    colour = tuple(background)
    if contract.get("color") == "gray":
        image = image.convert("L")
        colour = Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))
    fit = contract.get("fit", "stretch")
    if fit == "stretch":
        image = image.resize(size, resample)
    elif fit == "contain":
        image = ImageOps.pad(image, size, resample, colour)
    elif "shorterSide" in contract or size[0] == size[1]:
        image = cover(image, size, contract.get("shorterSide", size[0]), resample)
    else:
        image = cover_oblong(image, size, resample)
    pixels = np.asarray(image).reshape(size[1], size[0], -1)
    if contract.get("color") == "bgr":
        pixels = pixels[:, :, ::-1]
    if contract["dtype"] != "uint8":
        pixels = normalise(pixels, contract.get("mean", [0]), contract.get("std", [1])).astype(contract["dtype"])
    if contract.get("layout", "nchw") == "nchw":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(pixels)[None]


def encoded(array):
    return base64.b64encode(array.tobytes()).decode()


def sources():
    glass = picture(29, 31, 4, 2)
    glass[:, :4, 3] = 0
    glass[:, -4:, 3] = 255
    return {
        "photo": Image.fromarray(picture(37, 23, 3, 1), "RGB"),
        "glass": Image.fromarray(glass, "RGBA"),
        "tower": Image.fromarray(picture(11, 50, 3, 3), "RGB"),
        "dot": Image.fromarray(picture(1, 1, 3, 4), "RGB"),
    }


def contracts():
    """Name, source and contract of each case."""
    pixels = {"dtype": "uint8", "layout": "nhwc"}
    sizes = {"smaller": (16, 9), "larger": (53, 41), "narrower and higher": (11, 40), "one pixel": (1, 1)}
    for resample in FILTERS:
        for name, (width, height) in sizes.items():
            yield f"{resample}, {name}", "photo", {**pixels, "width": width, "height": height, "resample": resample}
        yield f"{resample}, as large", "photo", {**pixels, "width": 37, "height": 23, "resample": resample}
        yield f"{resample}, from one pixel", "dot", {**pixels, "width": 5, "height": 3, "resample": resample}
        cut = {**pixels, "fit": "cover", "resample": resample}
        yield f"{resample}, cover", "photo", {**cut, "width": 13, "height": 13}
        yield f"{resample}, cover by a longer side", "tower", {**cut, "width": 8, "height": 8, "shorterSide": 9}
        inside = {**pixels, "fit": "contain", "background": [20, 120, 220], "resample": resample}
        yield f"{resample}, contain", "photo", {**inside, "width": 15, "height": 14}
    cut = {**pixels, "fit": "cover"}
    yield "cover an oblong", "tower", {**cut, "width": 20, "height": 7}
    yield "cover an upright oblong", "photo", {**cut, "width": 7, "height": 20}
    yield "cover with odd margins", "photo", {**cut, "width": 11, "height": 12, "shorterSide": 17}
    inside = {**pixels, "fit": "contain", "background": [20, 120, 220]}
    yield "contain what is high", "tower", {**inside, "width": 21, "height": 16}
    yield "contain in gray", "tower", {**inside, "color": "gray", "width": 21, "height": 16}
    yield "glass over black", "glass", {**pixels, "width": 29, "height": 31}
    yield "glass over a colour", "glass", {**pixels, "width": 12, "height": 13, "background": [250, 130, 7]}
    yield "gray", "photo", {**pixels, "color": "gray", "width": 12, "height": 13, "resample": "bicubic"}
    yield "blue first", "photo", {**pixels, "color": "bgr", "width": 12, "height": 13}
    yield "channels first", "photo", {"dtype": "uint8", "layout": "nchw", "width": 12, "height": 13}
    for dtype in ("float32", "float16"):
        floats = {"dtype": dtype, "width": 9, "height": 8}
        yield f"{dtype} from 0 to 1", "photo", floats
        yield f"{dtype} as for ImageNet", "photo", {
            **floats, **IMAGENET, "fit": "cover", "shorterSide": 10, "resample": "bilinear"
        }
        yield f"{dtype} gray", "glass", {
            **floats, "layout": "nhwc", "color": "gray", "mean": [0.1307], "std": [0.3081]
        }


def photograph():
    """A JPEG as a phone writes it: the sensor's rows, and a note that says how to turn them."""
    image = Image.fromarray(picture(48, 32, 3, 5), "RGB").resize((96, 64), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    image.save(HERE / "turned.jpg", quality=90, subsampling=0, exif=exif)
    return ImageOps.exif_transpose(Image.open(HERE / "turned.jpg"))


def main():
    images = sources()
    for name in ("photo", "glass"):
        images[name].save(HERE / f"{name}.png", optimize=True)
    images["photo"].quantize(16).save(HERE / "palette.png", optimize=True)
    images["turned"] = photograph()
    images["palette"] = Image.open(HERE / "palette.png")
    cases = [*contracts()]
    plain = {"dtype": "uint8", "layout": "nhwc"}
    cases.append(("a photograph that is turned", "turned", {**plain, "width": 32, "height": 48}))
    cases.append(("a picture of few colours", "palette", {**plain, "width": 37, "height": 23}))
    vectors = {
        "pillow": Image.__version__,
        "sources": {
            name: {
                "width": image.width,
                "height": image.height,
                "rgba": encoded(np.asarray(image.convert("RGBA"))),
            }
            for name, image in images.items()
        },
        "cases": [],
    }
    for name, source, contract in cases:
        tensor = expected(images[source], contract)
        vectors["cases"].append(
            {
                "name": name,
                "source": source,
                "input": {"kind": "image", "tensor": "x", **contract},
                "dims": list(tensor.shape),
                "data": encoded(tensor),
            }
        )
    text = json.dumps(vectors, indent=2)
    # Lists on one line, as the formatter has them.
    text = re.sub(r"\[\s+([\d\s.,]+?)\s+\]", lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]", text)
    (HERE / "image.json").write_text(text + "\n")
    print(f"image.json  {len(text)} bytes, {len(vectors['cases'])} cases")


if __name__ == "__main__":
    main()
