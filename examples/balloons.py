"""Balloons over hills at sunrise: the scene of the strongly squeezed JPEG."""

from __future__ import annotations

import numpy as np
from brush import Canvas, rgb
from PIL import Image

WIDTH, HEIGHT = 240, 180


def balloons() -> Image.Image:
    canvas = Canvas(WIDTH, HEIGHT, seed=1783)
    _sky(canvas)
    for base, height, size, near, far in (
        (118, 34, 120, 0x9C93AE, 0xE9C9B4),
        (134, 26, 90, 0x6F7C92, 0xC6B7AE),
        (152, 24, 70, 0x48655F, 0x8FA18C),
    ):
        _ridge(canvas, base, height, size, near, far)
    _fields(canvas)
    _balloon(canvas, 168, 42, 9, (0xE9C46A, 0xF4EBD6, 0x2A6F77))
    _balloon(canvas, 214, 74, 6, (0xB23A48, 0xF2E3C6, 0x8C2F39))
    _balloon(canvas, 128, 86, 5, (0x3D5A80, 0xF6EEDC, 0xEE6C4D))
    _balloon(canvas, 68, 62, 33, (0xD1495B, 0xF6E7CB, 0x1D4E68))
    return canvas.finish()


def _sky(c: Canvas) -> None:
    depth = np.clip(c.y / 125, 0, 1)
    c.pixels[:] = c.blend(rgb(0x5E8FC0), rgb(0xFBD9B0), depth**0.9)
    sun = np.hypot((c.x - 196), (c.y - 108) * 1.1)
    c.paint(np.ones_like(sun), rgb(0xFFF2D0), 0.85 * np.exp(-((sun / 34) ** 2)))
    c.paint(c.disc(196, 108, 7), rgb(0xFFFBEA))
    noise = c.noise(80, 16, 6)
    cover = np.clip((noise - 0.54) / 0.25, 0, 1) * np.clip(1.2 - depth, 0, 1)
    c.paint(cover, rgb(0xFFEFE2), 0.75)


def _ridge(c: Canvas, base: float, height: float, size: float, near: int, far: int) -> None:
    top = base - height * c.noise(size, 4000, 6)[0]
    mask = (c.y > top[None, :]).astype(np.float32)
    c.paint(mask, c.blend(rgb(near), rgb(far), np.clip((c.y - base + height) / (1.6 * height), 0, 1)))
    c.shade(mask, 0.9 + 0.2 * c.noise(6, 4, 4))


def _fields(c: Canvas) -> None:
    edge = 158 + 7 * c.noise(120, 4000, 3)[0]
    ground = (c.y > edge[None, :]).astype(np.float32)
    depth = np.clip((c.y - 156) / 24, 0.05, 1)
    row = np.floor((c.x - 120) / depth / 12 + 30)
    c.paint(ground, np.where((row % 2)[..., None] == 0, rgb(0x7E9A4B), rgb(0xA9B25C)))
    c.shade(ground, 0.75 + 0.45 * c.noise(5, 2.5, 5))
    for x in np.linspace(6, 234, 26) + c.random.normal(0, 3, 26):
        y, r = 159 + c.random.uniform(-1, 4), c.random.uniform(1.6, 3.4)
        tree = c.disc(x, y, r, 1.2)
        c.paint(tree, rgb(0x35522F))
        c.shade(tree, 0.75 + 0.6 * np.clip((c.x - x + r) / (2 * r), 0, 1))


def _balloon(c: Canvas, x: float, y: float, radius: float, colours: tuple[int, int, int]) -> None:
    """Gores of three colours, rounded by light from the right; a basket on ropes below."""
    down = (c.y - y) / radius
    taper = np.where(
        down < 0, np.sqrt(np.clip(1 - down**2, 0, 1)), np.sqrt(np.clip(1 - (down / 1.42) ** 2, 0, 1)) ** 1.25
    )
    inside = ((np.abs(c.x - x) < radius * taper) & (down > -1) & (down < 1.3)).astype(np.float32)
    across = np.clip((c.x - x) / np.maximum(radius * taper, 0.01), -1, 1)
    gore = np.floor((np.arcsin(across) / np.pi + 0.5) * 11.999).astype(int)
    cloth = np.array([rgb(colours[0]), rgb(colours[1])])[gore % 2]
    band = (np.abs(down - 0.12) < 0.17)[..., None]
    zigzag = (np.abs(down - 0.12 - 0.08 * np.sin(across * 24)) < 0.05)[..., None]
    cloth = np.where(band, rgb(colours[2]), cloth)
    cloth = np.where(band & zigzag, rgb(0xFBF4E4), cloth)
    c.paint(inside, cloth)
    c.shade(inside, np.clip(0.62 + 0.55 * np.sqrt(np.clip(1 - (across - 0.45) ** 2, 0, 1)), 0, 1.2))
    seams = np.abs(np.mod((np.arcsin(across) / np.pi + 0.5) * 11.999, 1) - 0.5) > 0.46
    c.shade(inside * seams, 0.82)
    mouth, basket = y + 1.28 * radius, y + 1.75 * radius
    half = 0.17 * radius
    ropes = [[(x + k * 0.26 * radius, mouth - 0.1 * radius), (x + k * half, basket)] for k in (-1, -0.4, 0.4, 1)]
    c.paint(c.lines(ropes, max(0.25, radius / 70)), rgb(0x4A3A2A))
    c.paint(c.box(x - half, basket, x + half, basket + 0.3 * radius), rgb(0x8A5A33))
    weave = (np.mod(c.y, radius / 10) < radius / 22).astype(np.float32)
    c.shade(c.box(x - half, basket, x + half, basket + 0.3 * radius) * weave, 0.7)
    c.paint(c.box(x - half * 1.1, basket - 0.03 * radius, x + half * 1.1, basket + 0.04 * radius), rgb(0x5A3820))
