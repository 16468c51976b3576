"""A process that looks into files, enlarges them, and may fall: started by `subpixel.web.workers`.

    python -m subpixel.web.worker --memory BYTES --threads N --nice N

Nothing of the server is imported here, and nothing here is imported by the server.
"""
