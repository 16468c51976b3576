"""subpixel: larger, better pictures on an ordinary computer."""

__version__ = "0.1.0"
