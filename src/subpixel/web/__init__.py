"""`subpixel serve`: a page and an interface over HTTP.

The server (`app`) takes uploads, keeps jobs and answers; it decodes nothing. Whatever looks into a file that came from
outside runs in worker processes (`worker`), which memory and time limits hold, and which are started again when they
fall. `api` is what travels between server and clients, `client` the typed client for Python.
"""
