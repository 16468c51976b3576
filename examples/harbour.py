"""The harbour: bricks, roof tiles, a sign with text, rigging, water, grass. The scene that the README opens with."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from brush import OVERSIZE, Canvas, Plane, rgb
from PIL import Image

from house import house, stones

WIDTH, HEIGHT = 320, 213
HORIZON = 112.0
SHORE = 170.0


def harbour() -> Image.Image:
    canvas = Canvas(WIDTH, HEIGHT, seed=1887)
    _sky(canvas)
    _hills(canvas)
    _lighthouse(canvas)
    _water(canvas)
    _boat(canvas, x=272, y=127, size=0.42, hull=0xA63A2C, name="")
    _boat(canvas, x=214, y=147, size=1.0, hull=0x1F3A5F, name="NORA")
    _quay(canvas)
    house(canvas)
    _lamp(canvas)
    _grass(canvas)
    _fence(canvas)
    _gulls(canvas)
    _light(canvas)
    return canvas.finish()


def _sky(c: Canvas) -> None:
    depth = np.clip(c.y / HORIZON, 0, 1)
    c.pixels[:] = c.blend(rgb(0x4F86BF), rgb(0xDCE6E6), depth**1.3)
    sun = np.exp(-(((c.x - 300) / 150) ** 2 + ((c.y - 108) / 70) ** 2))
    c.paint(np.ones_like(sun), rgb(0xFFE9C4), 0.55 * sun)
    # Clouds: two layers of noise, flatter towards the horizon, lit from above and grey below.
    for size, low, high, strength in ((70, 0.52, 0.80, 0.9), (40, 0.55, 0.85, 0.55)):
        noise = c.noise(size, size * 0.38, 6)
        cover = np.clip((noise - low) / (high - low), 0, 1) ** 0.8 * np.clip(1.25 - depth, 0, 1)
        lit = np.clip(0.5 + 6 * (noise - np.roll(noise, 3 * OVERSIZE, axis=0)), 0, 1)
        c.paint(cover, c.blend(rgb(0xB4C2D0), rgb(0xFFFDF8), lit), strength)


def _hills(c: Canvas) -> None:
    for base, height, size, colour, seed_shift in (
        (HORIZON, 26, 110, 0x8FA9BC, 0.6),
        (HORIZON, 15, 60, 0x6F8F8A, 0.2),
    ):
        ridge = c.noise(size, 4000, 5)[0]
        top = base - height * (0.25 + ridge) * np.clip((c.x[0] - 90) / 150 + seed_shift, 0.1, 1)
        mask = ((c.y > top[None, :]) & (c.y < HORIZON + 1)).astype(np.float32)
        c.paint(mask, rgb(colour))
        woods = c.noise(7, 4, 4)
        c.shade(mask, 0.86 + 0.28 * woods)
        haze = np.clip((c.y - (base - height)) / height, 0, 1)
        c.paint(mask, rgb(0xC9D6DA), 0.45 * haze)
    fields = c.polygon((262, 106), (290, 103), (318, 107), (320, 112), (258, 112))
    c.paint(fields, rgb(0xA9B877), 0.6)


def _lighthouse(c: Canvas) -> None:
    x, top, foot = 300.0, 70.0, 111.0
    tower = c.polygon((x - 2.7, top), (x + 2.7, top), (x + 4.4, foot), (x - 4.4, foot))
    stripes = (np.floor((c.y - top) / 6.9) % 2)[..., None]
    c.paint(tower, np.where(stripes == 0, rgb(0xF3F0E8), rgb(0xC2382B)))
    c.shade(tower, 0.62 + 0.5 * np.clip((c.x - x + 5) / 8, 0, 1))
    c.paint(c.box(x - 4, top - 1, x + 4, top), rgb(0x33383C))
    c.paint(c.lines([[(x - 4, top - 3), (x + 4, top - 3)]], 0.3), rgb(0x33383C))
    c.paint(c.lines([[(x + k, top - 3), (x + k, top)] for k in (-4, -2, 0, 2, 4)], 0.25), rgb(0x33383C))
    c.paint(c.box(x - 2.1, top - 6, x + 2.1, top - 1), rgb(0xFFE9A8))
    c.paint(c.lines([[(x + k, top - 6), (x + k, top - 1)] for k in (-2.1, 0, 2.1)], 0.3), rgb(0x3A3A3A))
    c.paint(c.polygon((x - 3, top - 6), (x + 3, top - 6), (x, top - 10)), rgb(0x9E2B22))
    c.paint(c.polygon((x - 14, 107), (x - 5, 107), (x - 5, 112), (x - 14, 112)), rgb(0xEFE9DC))
    c.paint(c.polygon((x - 15, 107), (x - 9.5, 103), (x - 4, 107)), rgb(0xB0583C))
    c.paint(c.box(x - 11, 108.5, x - 9.4, 110.5), rgb(0x44505A))


def _water(c: Canvas) -> None:
    water = c.box(0, HORIZON, WIDTH, HEIGHT)
    near = np.clip((c.y - HORIZON) / (SHORE - HORIZON), 0, 1)
    base = c.blend(rgb(0xC3D3D8), rgb(0x2F6277), near**0.55)
    c.paint(water, base)
    # What stands behind the water is mirrored in it, broken by ripples that grow towards the viewer.
    ripple = _ripples(c)
    row = np.clip((2 * HORIZON - c.y + (ripple - 0.5) * 10 * near) * OVERSIZE, 0, HORIZON * OVERSIZE - 1).astype(int)
    sway = (ripple - 0.5) * 7 * near * OVERSIZE
    column = np.clip(c.x * OVERSIZE + sway, 0, WIDTH * OVERSIZE - 1).astype(int)
    c.paint(water, c.pixels[row, column], 0.40 * (1 - 0.75 * near))
    c.shade(water, 0.80 + 0.42 * ripple)
    crest = np.clip((ripple - 0.72) / 0.2, 0, 1)
    c.paint(water, rgb(0xEAF3F2), 0.35 * crest * np.clip(near * 2 + 0.2, 0, 1))
    glitter = np.exp(-(((c.x - 292) / (14 + 60 * near)) ** 2)) * np.clip((ripple - 0.56) / 0.16, 0, 1)
    c.paint(water, rgb(0xFFF3D6), 0.85 * glitter)


def _ripples(c: Canvas) -> Plane:
    """Waves in perspective: noise looked up on a plane that runs to the horizon."""
    cell = 512
    grid = np.asarray(
        Image.fromarray(c.random.random((cell, cell)).astype(np.float32)).resize((cell, cell)), dtype=np.float32
    )
    distance = 34 / np.clip(c.y - HORIZON + 2.0, 0.6, None)
    total: Plane = np.zeros_like(c.x)
    for octave, weight in ((1, 0.5), (2.3, 0.32), (5.1, 0.18)):
        across = (c.x - 160) * distance * 0.11 * octave + 200
        along = distance * 22 * octave + octave * 37
        total += weight * _look_up(grid, along, across)
    return np.clip((total - 0.5) * 1.9 + 0.5, 0, 1)


def _look_up(grid: Plane, row: Plane, column: Plane) -> Plane:
    """Smooth values of a repeating grid at any place."""
    top, left = np.floor(row), np.floor(column)
    down, right = row - top, column - left
    down, right = (t * t * (3 - 2 * t) for t in (down, right))
    rows = [np.mod(top + k, grid.shape[0]).astype(int) for k in (0, 1)]
    columns = [np.mod(left + k, grid.shape[1]).astype(int) for k in (0, 1)]
    upper = grid[rows[0], columns[0]] * (1 - right) + grid[rows[0], columns[1]] * right
    lower = grid[rows[1], columns[0]] * (1 - right) + grid[rows[1], columns[1]] * right
    return upper * (1 - down) + lower * down


def _boat(c: Canvas, *, x: float, y: float, size: float, hull: int, name: str) -> None:
    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + px * size, y + py * size) for px, py in points]

    # Reflection first: the hull and the mast, dark and broken.
    broken = 0.55 + 0.45 * np.sin(c.y * 5.2 + 2 * np.sin(c.x * 0.7))
    wobble = np.sin(c.y * 2.3) * 0.8 * size
    mirror = c.polygon(*at((-38, 7), (-44, -5), (46, -8), (36, 7), (30, 21), (-28, 20)))
    c.paint(mirror, rgb(hull), 0.55 * broken * np.clip(1 - (c.y - y - 6 * size) / (17 * size), 0, 1))
    mast = (np.abs(c.x - x - 3 * size - wobble) < 0.9 * size) & (c.y > y + 6 * size) & (c.y < y + 46 * size)
    c.paint(mast.astype(np.float32), rgb(0xE9DCC0), 0.5 * broken)

    body = c.polygon(
        *at((-41, -6), (-30, -4.5), (-10, -4), (20, -5), (47, -10), (44, -4), (38, 3), (32, 7), (-34, 7), (-38, 2))
    )
    c.paint(body, rgb(hull))
    c.shade(body, 0.72 + 0.5 * np.clip((y + 7 * size - c.y) / (14 * size), 0, 1))
    c.paint(c.polygon(*at((-34, 7), (32, 7), (34, 5), (-35.4, 5))), rgb(0x8E2D25))
    c.paint(c.lines([at((-41, -5.4), (-30, -3.9), (-10, -3.4), (20, -4.4), (46, -9.2))], 0.9 * size), rgb(0xF4EFE3))
    cabin = c.polygon(*at((-18, -4), (-16, -10.5), (10, -11), (15, -4.5)))
    c.paint(cabin, rgb(0xF2ECDD))
    c.shade(cabin, 0.8 + 0.25 * np.clip((c.x - x + 18 * size) / (33 * size), 0, 1))
    c.paint(c.polygon(*at((-19, -10.3), (-17, -11.8), (11, -12.4), (13, -10.9))), rgb(0x9C6B3F))
    for left in (-13.5, -7, -0.5, 5):
        c.paint(c.polygon(*at((left, -9), (left + 4.3, -9.1), (left + 4.3, -6.2), (left, -6.1))), rgb(0x2B3A44))
        c.paint(c.polygon(*at((left, -9), (left + 1.6, -9.1), (left + 0.4, -6.1), (left, -6.1))), rgb(0x9DB7C2), 0.8)
    # Mast, boom with a furled sail, stays and shrouds: the fine lines of the picture.
    c.paint(c.polygon(*at((2, -8), (4.4, -8), (3.7, -84), (2.7, -84))), rgb(0xC79A5E))
    c.shade(c.polygon(*at((2, -8), (3, -8), (3, -84), (2.7, -84))), 0.65)
    c.paint(c.polygon(*at((-35, -15.5), (2, -18), (2, -14.4), (-35, -14))), rgb(0xEFE7D4))
    c.paint(c.lines([at((k, -16.4), (k - 0.8, -13.9)) for k in range(-33, 2, 5)], 0.35 * size), rgb(0x8A7E66))
    c.paint(c.lines([at((-37, -13.6), (3, -14.1))], 1.0 * size), rgb(0x8A5D33))
    c.paint(c.lines([at((-8, -52), (14, -52.6))], 0.55 * size), rgb(0x9A7340))
    ropes = [
        at((3.2, -83), (47, -10)),
        at((3.2, -66), (40, -8.5)),
        at((3.2, -83), (-41, -6)),
        at((3.2, -83), (-8, -52), (-13, -4)),
        at((3.2, -83), (14, -52.6), (17, -5)),
        at((3.2, -52), (-9, -4)),
        at((3.2, -52), (12, -5)),
        at((-35, -15), (3.2, -80)),
    ]
    c.paint(c.lines(ropes, 0.34 * max(size, 0.6)), rgb(0x2E2A26), 0.9)
    ladder = [at((-8 - 5 * t, -52 + 48 * t), (-4 - 5.6 * t, -52 + 48 * t)) for t in np.arange(0.2, 0.98, 0.075)]
    c.paint(c.lines(ladder, 0.3 * size), rgb(0x2E2A26), 0.85)
    posts = [at((k, -9.2 - 0.02 * k), (k, -4.4 - max(k - 20, 0) * 0.2)) for k in (-38, -30, -22, 18, 26, 34, 42)]
    c.paint(
        c.lines([*posts, at((-38, -9), (-22, -9)), at((18, -9.6), (42, -10.4), (47, -13))], 0.3 * size), rgb(0xE8E8E4)
    )
    c.paint(c.polygon(*at((3.2, -84), (3.2, -79), (-7.6, -80.5), (-4.6, -82), (-8.6, -83.6))), rgb(0xD9402F))
    c.paint(c.polygon(*at((-41, -7), (-41, -17), (-52, -14.6), (-49, -12), (-53, -9))), rgb(0xF4F1E8))
    c.paint(c.polygon(*at((-41, -10.4), (-41, -13.6), (-51, -12.7), (-49, -12), (-51, -10.9))), rgb(0x2456A0))
    c.paint(c.lines([at((-41, -18), (-41, -5))], 0.45 * size), rgb(0x5A4630))
    if name:
        c.paint(c.text(name, x + 31 * size, y - 1.7 * size, 5.0 * size, spacing=0.5), rgb(0xF4EFE3))


def _quay(c: Canvas) -> None:
    wall = c.polygon((0, 152), (150, 152), (172, 166), (178, 186), (0, 190))
    stones(c, wall, 11, 5.4, 0x8C857A, seed_row=3)
    c.shade(wall, 0.62 + 0.35 * np.clip((168 - c.y) / 12, 0, 1))
    top = c.polygon((0, 146), (142, 146), (168, 163), (172, 167), (150, 155), (0, 155))
    stones(c, top, 15, 4, 0xB9B0A0, seed_row=0)
    c.paint(c.lines([[(0, 155), (150, 155), (172, 167)]], 0.5), rgb(0x4B463F))
    for x, y in ((138, 148), (161, 161)):
        c.paint(c.box(x - 1.6, y - 6, x + 1.6, y), rgb(0x2B2D30))
        c.paint(c.disc(x, y - 6, 2.4, 0.5), rgb(0x3C4045))
    rope = [(161 + 14 * t, 156 - 1 * t + 9 * t * (1 - t)) for t in np.linspace(0, 1, 12)]
    c.paint(c.lines([rope], 0.5), rgb(0xD8C79C))
    for k, (x, y) in enumerate(((119, 149), (126, 150.5), (122.5, 143.5))):
        crate = c.box(x - 4, y - 6, x + 3, y)
        c.paint(crate, rgb((0xA9793F, 0xB78A50, 0x9C6C35)[k]))
        c.paint(c.lines([[(x - 4, y - q), (x + 3, y - q)] for q in (2, 4)], 0.3), rgb(0x5C3C1B))
        c.paint(c.lines([[(x - 3.4, y - 6), (x - 3.4, y)], [(x + 2.4, y - 6), (x + 2.4, y)]], 0.5), rgb(0x7A5327))


def _lamp(c: Canvas) -> None:
    x = 133.0
    c.paint(c.box(x - 0.55, 92, x + 0.55, 150), rgb(0x25292C))
    c.paint(c.polygon((x - 2, 152), (x + 2, 152), (x + 0.7, 143), (x - 0.7, 143)), rgb(0x25292C))
    c.paint(c.lines([[(x - 3.4, 96.5), (x + 3.4, 96.5)]], 0.5), rgb(0x25292C))
    c.paint(c.polygon((x - 1.6, 92), (x + 1.6, 92), (x + 2.8, 84), (x - 2.8, 84)), rgb(0xFBF3D0))
    c.paint(
        c.lines([[(x - 1.6, 92), (x - 2.8, 84)], [(x + 1.6, 92), (x + 2.8, 84)], [(x, 92), (x, 84)]], 0.4),
        rgb(0x25292C),
    )
    c.paint(c.polygon((x - 3.6, 84), (x + 3.6, 84), (x, 80)), rgb(0x25292C))


def _grass(c: Canvas) -> None:
    edge = 172 + 10 * (c.noise(70, 4000, 4)[0] - 0.5) - 0.012 * (c.x[0] - 60)
    ground = (c.y > edge[None, :]).astype(np.float32)
    c.paint(ground, c.blend(rgb(0x4C6B2C), rgb(0x74933D), c.noise(22, 8, 5)))
    c.shade(ground, 0.75 + 0.5 * c.noise(4, 3, 3))
    # Blades, far ones short and pale, near ones long; drawn in layers from back to front.
    greens = (0x3C5A22, 0x56772D, 0x6F9138, 0x8AA84B, 0xA9BE63, 0x2F4A1C)
    for depth in np.linspace(0, 1, 12):
        length = 2.2 + 6.5 * depth
        for colour in greens:
            count = int(120 - 50 * depth)
            x = c.random.uniform(-4, WIDTH + 4, count)
            column = np.clip(x * OVERSIZE, 0, c.x.shape[1] - 1).astype(int)
            y = edge[column] + 1 + depth * (HEIGHT - 172) + c.random.uniform(-2, 2, count)
            lean = c.random.normal(0.8, 1.6, count) * (0.5 + depth)
            tall = length * c.random.uniform(0.5, 1.2, count)
            blades = [
                [(a, b), (a + 0.3 * w, b - 0.6 * h), (a + w, b - h)]
                for a, b, w, h in zip(x, y, lean, tall, strict=True)
            ]
            c.paint(c.lines(blades, 0.32 + 0.25 * depth), rgb(colour), 0.85)
        for colour in (0xF7F3EA, 0xF0C53F, 0xC94F7C):
            x, y = c.random.uniform(0, WIDTH, 5), 176 + depth * 34 + c.random.uniform(-3, 3, 5)
            dots = [[(a - 0.3, b), (a + 0.4, b)] for a, b in zip(x, y, strict=True)]
            c.paint(c.lines(dots, 0.7 + 0.7 * depth), rgb(colour))


def _fence(c: Canvas) -> None:
    posts = [
        (186.0, 207.0, 173.0),
        (222.0, 205.0, 171.5),
        (258.0, 206.0, 171.0),
        (294.0, 207.0, 171.5),
        (330, 208, 172),
    ]
    wires = []
    for (x1, _, t1), (x2, _, t2) in pairwise(posts):
        for drop in (3.0, 10.0, 17.0):
            sag = [(x1 + (x2 - x1) * t, t1 + drop + (t2 - t1) * t + 2.4 * t * (1 - t)) for t in np.linspace(0, 1, 9)]
            wires.append(sag)
    c.paint(c.lines(wires, 0.4), rgb(0x24211E))
    for x, foot, top in posts:
        post = c.polygon((x - 1.9, foot), (x + 1.9, foot), (x + 1.7, top), (x, top - 2), (x - 1.7, top))
        c.paint(post, c.blend(rgb(0x6B5A45), rgb(0xB8A587), c.noise(1.2, 14, 4)))
        c.shade(post, 0.6 + 0.55 * np.clip((c.x - x + 2) / 4, 0, 1))
        tufts = [[(x + k, foot + 2), (x + k * 1.5, foot - 3 - (k * k) % 3)] for k in np.arange(-3, 3.2, 0.55)]
        c.paint(c.lines(tufts, 0.5), rgb(0x5F8030))


def _gulls(c: Canvas) -> None:
    birds = []
    for x, y, s in ((168, 38, 1.0), (181, 47, 0.7), (156, 55, 0.6), (248, 30, 0.8)):
        birds.append(
            [
                (x - 6 * s, y - 1.5 * s),
                (x - 3 * s, y - 2.6 * s),
                (x, y),
                (x + 3 * s, y - 2.9 * s),
                (x + 6.5 * s, y - 1 * s),
            ]
        )
    c.paint(c.lines(birds, 0.7), rgb(0x3E444B))


def _light(c: Canvas) -> None:
    """Warm light from the right, a breath of haze over the distance, darker corners."""
    ones = np.ones_like(c.x)
    c.paint(ones, rgb(0xFFD9A0), 0.10 * np.clip(c.x / WIDTH, 0, 1))
    corner = ((c.x / WIDTH - 0.5) ** 2 + (c.y / HEIGHT - 0.5) ** 2) / 0.5
    c.shade(ones, 1.02 - 0.22 * corner**1.5)
    c.pixels = np.clip(c.pixels, 0, 1)
    c.pixels = c.pixels + 0.12 * (c.pixels - 0.5) * (1 - np.abs(2 * c.pixels - 1))
