"""The house of the harbour: bricks, roof tiles, windows, a door and a sign with text."""

from __future__ import annotations

import numpy as np
from brush import Canvas, Plane, rgb


def house(c: Canvas) -> None:
    left, right, eaves, foot = 14.0, 116.0, 66.0, 150.0
    wall = c.box(left, eaves, right, foot)
    stones(c, wall, 6.0, 2.6, 0xA8513A, seed_row=9)
    c.shade(wall, 0.82 + 0.32 * c.noise(40, 40, 4))
    c.paint(c.box(left, 138, right, foot), rgb(0x9A9488))
    c.shade(c.box(left, 138, right, foot), 0.8 + 0.35 * c.noise(3, 2, 3))
    c.paint(c.box(left, 137.4, right, 138.6), rgb(0xC8C0B0))
    for edge, far in ((left, left + 5), (right - 5, right)):  # corner stones
        for k in range(9):
            top = eaves + k * 8
            inset = 1.5 if k % 2 else 0.0
            stone = c.box(edge + (inset if far == right else 0), top, far - (0 if far == right else inset), top + 7.5)
            c.paint(stone * c.box(0, 0, c.width, 137.4), rgb(0xCFC5B2))
            c.shade(stone, 0.85 + 0.2 * c.noise(3, 3, 3))
    _roof(c, left, right, eaves)
    for x in (31.0, 65.0, 98.0):
        _window(c, x, 73, 15, 21)
    _window(c, 30, 109, 17, 23)
    _window(c, 99, 109, 17, 23)
    _door(c)
    _sign(c)
    for x, y in ((30, 134), (99, 134)):
        _flowers(c, x, y)
    c.paint(c.box(right - 1.9, eaves, right - 0.7, foot), rgb(0x4E5B5E))
    c.shade(c.box(right - 1.9, eaves, right - 1.4, foot), 1.5)


def stones(c: Canvas, mask: Plane, width: float, height: float, colour: int, *, seed_row: int) -> None:
    """Courses of stone or brick, every piece of its own shade, with mortar between."""
    row = np.floor(c.y / height).astype(int)
    shifted = c.x + (row % 2) * width / 2
    column = np.floor(shifted / width).astype(int)
    tones = c.random.random((200, 200), np.float32)
    tint = tones[(row + seed_row) % 200, column % 200]
    hue = tones[(row * 7 + 11) % 200, (column * 5 + 3) % 200]
    base = np.float32(rgb(colour)) * (0.78 + 0.4 * tint)[..., None]
    base = base * (1 + (hue - 0.5)[..., None] * np.array([0.10, -0.02, -0.12]))
    c.paint(mask, np.clip(base * (0.9 + 0.2 * c.noise(2.2, 2.2, 3))[..., None], 0, 1))
    edge_y, edge_x = c.y / height - row, shifted / width - column
    gap_y, gap_x = 0.55 / height, 0.55 / width
    mortar = ((edge_y < gap_y) | (edge_x < gap_x)).astype(np.float32)
    c.paint(mask * mortar, rgb(0xCFC4B0), 0.7)
    c.shade(mask * ((edge_y > 1 - 0.7 * gap_y) & (mortar == 0)), 0.75)


def _roof(c: Canvas, left: float, right: float, eaves: float) -> None:
    for x, width, top in ((36, 9, 22), (94, 8, 26)):
        stack = c.box(x, top, x + width, 48)
        stones(c, stack, 4.5, 2.3, 0x96452F, seed_row=x)
        c.shade(stack, 0.7 + 0.5 * np.clip((c.x - x) / width, 0, 1))
        c.paint(c.box(x - 1, top - 1.6, x + width + 1, top + 0.8), rgb(0xB9AFA0))
        for pot in (x + 2, x + width - 3.6):
            c.paint(c.box(pot, top - 6, pot + 2.2, top - 1.4), rgb(0xB5613F))
            c.shade(c.box(pot, top - 6, pot + 0.8, top - 1.4), 0.7)
    slope = c.polygon((left - 4, eaves + 1.5), (left + 10, 36), (right - 10, 36), (right + 4, eaves + 1.5))
    run = (c.y - 36) / (eaves + 1.5 - 36)
    along = 65 + (c.x - 65) / (0.82 + 0.18 * np.clip(run, 0, 1))
    row = np.floor((c.y - 36) / 3.1).astype(int)
    column = np.floor(along / 3.6 + (row % 2) * 0.5).astype(int)
    tones = c.random.random((64, 64), np.float32)[row % 64, column % 64]
    c.paint(slope, np.float32(rgb(0xB5573A)) * (0.72 + 0.45 * tones)[..., None])
    bend = np.sin((along / 3.6 + (row % 2) * 0.5) * 2 * np.pi)
    lap = (c.y - 36) / 3.1 - row
    c.shade(slope, (1 + 0.20 * bend) * (0.72 + 0.42 * np.clip(lap * 1.6, 0, 1)))
    moss = np.clip((c.noise(26, 14, 5) - 0.6) / 0.2, 0, 1)
    c.paint(slope, rgb(0x6C7440), 0.45 * moss)
    c.paint(c.lines([[(left + 10, 36), (right - 10, 36)]], 1.8), rgb(0x8E412B))
    c.paint(c.box(left - 4, eaves + 0.8, right + 4, eaves + 2.8), rgb(0xE8E2D4))
    c.paint(c.box(left - 4, eaves + 2.4, right + 4, eaves + 2.9), rgb(0x6D675E))
    shadow = c.soften(c.box(left, eaves + 2.8, right, eaves + 7), 0.9)
    c.shade(shadow * c.box(left, eaves + 2.8, right, eaves + 20), 0.55)


def _window(c: Canvas, x: float, top: float, width: float, height: float) -> None:
    left, right, bottom = x - width / 2, x + width / 2, top + height
    c.paint(c.box(left - 1.6, top - 3.2, right + 1.6, top - 0.6), rgb(0xD8CFBE))
    c.paint(c.box(left - 2.4, bottom, right + 2.4, bottom + 1.8), rgb(0xD8CFBE))
    c.shade(c.box(left - 2.4, bottom + 1.8, right + 2.4, bottom + 3.2), 0.6)
    for a, b in ((left - 6.2, left - 0.9), (right + 0.9, right + 6.2)):
        c.paint(c.box(a, top - 0.4, b, bottom), rgb(0x2F6B60))
        slats = (np.mod(c.y - top, 1.45) < 0.5).astype(np.float32)
        inner = c.box(a + 0.8, top + 0.8, b - 0.8, bottom - 1)
        c.shade(inner * slats, 0.62)
        c.shade(inner * (1 - slats), 1.12)
        c.shade(c.box(b, top, b + 0.8, bottom + 0.4), 0.7)
    c.paint(c.box(left - 0.6, top - 0.6, right + 0.6, bottom), rgb(0xF4F0E6))
    pane = c.box(left + 0.6, top + 0.6, right - 0.6, bottom - 1)
    c.paint(
        pane, c.blend(rgb(0x7FA0B4), rgb(0x1E2A33), np.clip((c.y - top) / height + 0.35 * c.noise(9, 9, 3) - 0.1, 0, 1))
    )
    c.paint(pane * (np.abs((c.x - left) + (c.y - top) * 0.55 - width * 0.8) < 1.5), rgb(0xDCE9EE), 0.35)
    for side in (-1, 1):
        edge = x + side * (width / 2 - 0.6)
        curtain = pane * (np.abs(c.x - edge) < 2.6 * (1 - 0.75 * (c.y - top) / height))
        c.paint(curtain, rgb(0xEDE6D8), 0.8)
    bars = [[(x, top), (x, bottom)], *([(left, top + height * k), (right, top + height * k)] for k in (0.33, 0.66))]
    c.paint(c.lines(bars, 0.75), rgb(0xF4F0E6))
    c.shade(c.box(left, top, right, top + 1.4), 0.6)


def _door(c: Canvas) -> None:
    c.paint(c.box(53.4, 103, 76.6, 148), rgb(0xD8CFBE))
    c.paint(c.box(55.4, 105, 74.6, 148), rgb(0x7C2F26))
    for x in (58.0, 66.4):
        for top, bottom in ((122, 131), (133.5, 144.5)):
            c.shade(c.box(x, top, x + 5.6, bottom), 0.66)
            c.shade(c.box(x + 0.9, top + 0.9, x + 5.6, bottom), 1.6)
        c.paint(c.box(x, 108, x + 5.6, 119.5), rgb(0x3A4A52))
        c.paint(c.polygon((x, 108), (x + 3, 108), (x, 114)), rgb(0xAFC6CF), 0.7)
    c.paint(c.lines([[(65, 105), (65, 148)]], 0.5), rgb(0x4A1813))
    c.paint(c.disc(67.4, 127.5, 0.9), rgb(0xE4C15A))
    c.paint(c.box(50, 146.6, 80, 149), rgb(0xC3BBAB))
    c.paint(c.box(48, 149, 82, 151.6), rgb(0xA59D8E))
    c.shade(c.box(48, 151.2, 82, 152.2), 0.6)


def _sign(c: Canvas) -> None:
    c.shade(c.soften(c.box(34, 100, 97, 106.4), 0.8), 0.7)
    c.paint(c.box(33, 97.2, 97, 105.6), rgb(0xE9DFC6))
    c.paint(c.box(33.7, 97.9, 96.3, 104.9), rgb(0x17384A))
    c.paint(c.text("HARBOUR CAFE", 65, 101.5, 6.8, spacing=0.75), rgb(0xF6E7BE))


def _flowers(c: Canvas, x: float, y: float) -> None:
    spots = c.random.normal(0, 1, (150, 2)) * (4.6, 1.2) + (x, y - 1.2)
    for colour, part in (
        (0x3F6B2F, spots[:90]),
        (0xD8405A, spots[90:120]),
        (0xF2C14B, spots[120:135]),
        (0xF5EFE6, spots[135:]),
    ):
        dots = [[(px - 0.3, py), (px + 0.3, py)] for px, py in part]
        c.paint(c.lines(dots, 0.9), rgb(colour))
    c.paint(c.box(x - 8, y, x + 8, y + 3), rgb(0x7A4A2B))
    c.shade(c.box(x - 8, y + 2.2, x + 8, y + 3), 0.7)
