"""Jobs over HTTP: sent, followed, fetched, looked at, removed."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

import subpixel
from subpixel import image
from subpixel.errors import SettingError
from subpixel.image.resample import resize
from subpixel.web.api import Job, Settings
from subpixel.web.client import Client, JobFailed, ServerProblem, Unreachable
from tests.video import films
from tests.web.servers import picture

FAST = Settings(scale=2, quality="fast")


def test_a_picture_goes_in_and_comes_out_as_by_the_library(client: Client, photo: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    job = client.submit(photo, FAST)
    assert (job.name, job.kind, job.width, job.height) == ("my photo.png", "picture", 64, 48)
    done = client.wait(job, progress=lambda now: shares.append(now.progress))
    assert done.result is not None
    assert (done.result.width, done.result.height, done.result.format) == (128, 96, "png")
    assert done.result.model == "swift-x2"
    assert "64×48 → 128×96 by swift-x2" in done.result.words
    assert shares == sorted(shares)
    assert shares[-1] == 1
    saved = client.save(job, tmp_path / "large.png")
    expected = subpixel.Upscaler(quality="fast", threads=1).picture(subpixel.read(photo), subpixel.Target(2)).picture
    assert np.array_equal(subpixel.read(saved).pixels, expected.pixels)
    client.remove(job)
    with pytest.raises(ServerProblem, match="no job of that id"):
        client.job(job)


def test_what_is_sent_as_a_form_is_the_same_as_raw_bytes(http: httpx.Client, photo: Path) -> None:
    form = {"scale": "2", "quality": "fast", "model": "", "format": "jpeg"}
    sent = http.post("/v1/upscale", files={"file": ("a.png", photo.read_bytes())}, data=form)
    raw = http.post("/v1/upscale?scale=2&quality=fast&format=jpeg", content=photo.read_bytes())
    assert sent.status_code == raw.status_code == 200
    assert sent.headers["content-type"] == "image/jpeg"
    assert sent.headers["subpixel-model"] == "swift-x2"
    assert float(sent.headers["subpixel-seconds"]) > 0
    assert sent.content == raw.content
    assert image.read(sent.content).size == subpixel.types.Size(128, 96)


def test_events_tell_everything_until_the_end(http: httpx.Client, photo: Path) -> None:
    job = http.post("/v1/jobs?scale=2&quality=fast&name=x.png", content=photo.read_bytes()).json()
    with http.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text())  # ends by itself
    states = [Job.model_validate_json(line[6:]).state for line in text.splitlines() if line.startswith("data: ")]
    assert states[-1] == "done"
    assert states == sorted(states, key=["queued", "running", "done"].index)


def test_each_page_sees_its_own_jobs(http: httpx.Client, photo: Path) -> None:
    mine, other = ({"Subpixel-Client": letter * 32} for letter in "ab")
    heard: list[tuple[str, str]] = []
    open_ = threading.Event()

    def listen() -> None:
        with http.stream("GET", "/v1/events", headers=mine) as stream:
            kind = ""
            for line in stream.iter_lines():
                open_.set()
                if line.startswith("event: "):
                    kind = line[7:]
                if line.startswith("data: "):
                    heard.append((kind, json.loads(line[6:])["id"]))
                    if kind == "removed":
                        return

    thread = threading.Thread(target=listen)
    thread.start()
    assert open_.wait(10)
    with httpx.Client(base_url=http.base_url, trust_env=False) as second:
        ids = [
            second.post("/v1/jobs?scale=2&quality=fast", content=photo.read_bytes(), headers=who).json()["id"]
            for who in (mine, other)
        ]
        assert [job["id"] for job in second.get("/v1/jobs", headers=mine).json()["jobs"]] == [ids[0]]
        assert second.get("/v1/jobs", headers={"Subpixel-Client": "c" * 32}).json() == {"jobs": []}
        assert second.delete(f"/v1/jobs/{ids[0]}").json() == {"id": ids[0]}
    thread.join(20)
    assert heard[-1] == ("removed", ids[0])
    assert {job for _, job in heard} == {ids[0]}


def test_views_show_the_same_place(client: Client, photo: Path) -> None:
    job = client.wait(client.submit(photo, FAST))
    large = image.read(client.result(job)).pixels[0]
    small = subpixel.read(photo).pixels[0]
    part = {"x": 20, "y": 12, "w": 50, "h": 40}
    assert np.array_equal(image.read(client.view(job, "result", **part)).pixels[0], large[12:52, 20:70])
    source = image.read(client.view(job, "source", x=10, y=6, w=25, h=20)).pixels[0]
    assert np.array_equal(source, small[6:26, 10:35])
    planes = np.moveaxis(small, 2, 0).astype(np.float32)
    plain = np.rint(np.clip(resize(planes, 96, 128), 0, 255)).astype(int)[:, 12:52, 20:70]
    bicubic = image.read(client.view(job, "bicubic", **part)).pixels[0]
    assert np.abs(np.moveaxis(bicubic, 2, 0) - plain).max() <= 1
    difference = image.read(client.view(job, "difference", **part)).pixels[0].astype(int)
    expected = np.clip(4 * (large[12:52, 20:70].astype(int) - bicubic) + 128, 0, 255)
    assert np.array_equal(difference, expected)
    assert image.read(client.view(job, width=64)).size == subpixel.types.Size(64, 48)
    with pytest.raises(ServerProblem, match="begins at 500,0") as wrong:
        client.view(job, x=500)
    assert wrong.value.problem.status == 422


@pytest.mark.parametrize("width", [300, 150, 60, 12])
def test_what_is_shown_small_is_reduced(width: int) -> None:
    """Bicubic and difference of large parts are computed at the size that is shown: as if the whole were reduced."""
    from subpixel.image import resample
    from subpixel.types import Picture, Size
    from subpixel.web.messages import Box
    from subpixel.web.worker import showing

    y, x = np.mgrid[:96, :128]
    waves = 128 + 60 * np.sin(x / 9)[..., None] * np.cos(y / 7)[..., None] * np.ones(3)
    source = Picture(waves.astype(np.uint8)[None])
    after = Size(512, 384)
    for box in (Box(width=512, height=384), Box(x=128, y=96, width=300, height=200)):
        shown = Size(width, round(width * box.height / box.width))
        made = showing._bicubic(source, after, box, shown).pixels[0].astype(float)
        large = resample.resize(np.moveaxis(source.pixels[0], 2, 0).astype(np.float32) / 255, 384, 512)
        part = large[:, box.y : box.y + box.height, box.x : box.x + box.width]
        plain = np.moveaxis(resample.resize(np.ascontiguousarray(part), shown.height, shown.width), 0, 2) * 255
        inner = np.s_[1:-1, 1:-1]  # a part that is cut out first ends where it ends
        assert made.shape == plain.shape
        assert np.abs(made[inner] - plain[inner]).mean() < 1.5


def test_pictures_that_were_decoded_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To pan in a large result is not to decode it again and again; what is kept has an end."""
    from subpixel.web.messages import Bounds, Box, View
    from subpixel.web.worker import showing

    reads: list[str] = []
    plain = image.read

    def read(path: str, **given: object) -> object:
        reads.append(path)
        return plain(path, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(showing.image, "read", read)
    paths = [str(picture(tmp_path / f"{name}.png")) for name in "ab"]
    task = View(
        kind="picture", source=paths[0], result=paths[1], output=str(tmp_path / "out.png"), of="result",
        box=Box(width=8, height=8), width=None, most=100, seconds=None, bounds=Bounds(pixels=9999, result_pixels=9999),
    )  # fmt: skip
    roomy = showing.Showing(None, 10**6)  # type: ignore[arg-type]
    for x in range(5):
        for of in ("result", "source"):
            roomy.view(task.model_copy(update={"box": Box(x=x, width=8, height=8), "of": of}))
    assert sorted(reads) == sorted(paths)
    tight = showing.Showing(None, 30_000)  # type: ignore[arg-type]  # less than two of 9 kB each
    for of in ("result", "source", "result"):
        tight.view(task.model_copy(update={"of": of}))
    assert len(reads) == 2 + 3


def test_a_preview_is_a_part_of_the_whole(http: httpx.Client, photo: Path) -> None:
    source = photo.read_bytes()
    form = {"x": "9", "y": "5", "w": "30", "h": "25", "scale": "3", "quality": "fast"}
    preview = http.post("/v1/preview", files={"file": ("a", source)}, data=form)
    whole = http.post("/v1/upscale?scale=3&quality=fast", content=source)
    assert preview.headers["subpixel-model"] == "swift-x3"
    part = image.read(preview.content).pixels[0]
    assert np.array_equal(part, image.read(whole.content).pixels[0, 15:90, 27:117])
    job = http.post("/v1/jobs?scale=2&quality=fast", content=source).json()
    again = http.post("/v1/preview", params={**form, "job": job["id"]})
    assert np.array_equal(image.read(again.content).pixels[0], part)


def test_sent_twice_it_is_one_job(http: httpx.Client, client: Client, photo: Path) -> None:
    """Whoever lost the answer to an upload sends it again under the same id."""
    body, once = photo.read_bytes(), "ab" * 16
    form = {"scale": "2", "quality": "fast", "id": once}
    first = http.post("/v1/jobs", files={"file": ("a.png", body)}, data=form)
    again = http.post("/v1/jobs", files={"file": ("a.png", body)}, data=form)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] == once
    assert [job.id for job in client.jobs()].count(once) == 1
    other = http.post(
        "/v1/jobs", files={"file": ("a.png", body)}, data=form, headers={"Subpixel-Client": "somebody-else-123"}
    )
    assert (other.status_code, other.json()["type"]) == (422, "urn:subpixel:problem:setting")
    for wrong in ("1", "A" * 32, "../" * 10 + "ab"):
        refused = http.post("/v1/jobs", files={"file": ("a.png", body)}, data={**form, "id": wrong})
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:subpixel:problem:setting")
    assert client.wait(once).state == "done"
    with ThreadPoolExecutor(6) as many:
        posts = [
            many.submit(http.post, "/v1/jobs", files={"file": ("a.png", body)}, data={**form, "id": "cd" * 16})
            for _ in range(6)
        ]
        codes = sorted(post.result().status_code for post in posts)
    assert codes.count(201) == 1
    assert set(codes) <= {200, 201, 429}
    assert client.wait("cd" * 16).state == "done"
    for job in (once, "cd" * 16):
        client.remove(job)


def test_the_same_upload_once_more(http: httpx.Client, client: Client, photo: Path) -> None:
    first = client.wait(client.submit(photo, FAST))
    again = http.post("/v1/jobs", params={"of": first.id, "scale": "3", "quality": "fast", "format": "webp"})
    assert again.status_code == 201
    client.remove(first)
    done = client.wait(again.json()["id"])
    assert done.name == "my photo.png"
    assert done.result is not None
    assert (done.result.width, done.result.format) == (192, "webp")


def test_results_are_named_and_zipped(http: httpx.Client, client: Client, photo: Path) -> None:
    names = ("../../etc/pass wd.png", "a.png", "a.png", 'b"<script>\r\n.png')
    jobs = [client.wait(client.submit(photo, FAST, name=name)) for name in names]
    assert jobs[0].name == "pass wd.png"
    answer = http.get(f"/v1/jobs/{jobs[3].id}/result")
    assert answer.headers["content-type"] == "image/png"
    assert "\n" not in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].startswith("attachment")
    part = http.get(f"/v1/jobs/{jobs[1].id}/result", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    packed = http.get("/v1/zip", params={"ids": ",".join(job.id for job in jobs)})
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist()[:3] == ["pass wd-x2.png", "a-x2.png", "a-x2 (2).png"]
        assert not set('/\\"<>\r\n') & set(archive.namelist()[3])
        assert archive.testzip() is None
        assert archive.read("a-x2.png") == http.get(f"/v1/jobs/{jobs[1].id}/result").content
    assert http.get("/v1/zip", params={"ids": "0" * 32}).status_code == 404


def test_times_are_told_where_they_are_known(client: Client) -> None:
    guess = client.estimate(640, 480, scale=2)
    assert (guess.width, guess.height) == (1280, 960)
    assert set(guess.qualities) == {"fast", "balanced", "best"}
    models = client.models()
    assert {"swift-x2", "crisp-x4"} <= {model.name for model in models.models}
    assert {model.name for model in models.models} <= set(guess.seconds)
    assert next(model for model in models.models if model.name == "swift-x2").qualities == ("fast",)
    assert models.limits.upload_bytes == 2_000_000


def test_a_job_that_fails_says_why(client: Client, photo: Path) -> None:
    job = client.submit(photo.read_bytes()[:4000], FAST, name="cut.png")
    with pytest.raises(JobFailed, match="damaged or cut short") as failed:
        client.wait(job)
    problem = failed.value.job.problem
    assert problem is not None
    assert problem.type == "urn:subpixel:problem:truncated"
    assert "jobs" not in problem.detail + problem.right  # no path of the server
    with pytest.raises(ServerProblem, match="the job failed"):
        client.result(job)


def test_settings_that_cannot_be_right_are_said_before_anything_is_sent(photo: Path) -> None:
    nobody = Client("http://127.0.0.1:9")
    for given, what in (
        ({"scale": 1000}, "scale is 1000: give a factor above 0 and up to 16"),
        ({"scale": 2, "size": "10x10"}, "both scale and size were given: give one"),
        ({"format": "docx"}, "the format is docx: give same, png"),
        ({"sharpness": 1}, "there is no setting sharpness"),
    ):
        with pytest.raises(SettingError, match=what):
            nobody.submit(photo, **given)  # type: ignore[arg-type]
        with pytest.raises(SettingError, match=what):
            nobody.upscale(photo, **given)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="width is 0"):
        nobody.estimate(0, 10)


def test_where_no_server_is(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="subpixel serve"):
        Client("http://127.0.0.1:9").health()


def test_a_video_is_a_job_too(client: Client, tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    films.make(source, frames=3)
    job = client.submit(source, FAST)
    assert (job.kind, job.format) == ("video", "mp4")
    view = image.read(client.view(job, "source"))
    assert view.size == subpixel.types.Size(job.width, job.height)
    done = client.wait(job)
    assert done.result is not None
    assert (done.result.format, done.result.width) == ("mp4", 2 * job.width)
    shown = image.read(client.view(job, "difference", seconds=0))
    assert shown.size == subpixel.types.Size(done.result.width, done.result.height)


@pytest.mark.parametrize(("name", "rotation"), [("phone.mp4", 90.0), ("plain.mkv", None)])
def test_a_video_is_looked_at_frame_by_frame(
    client: Client, http: httpx.Client, tmp_path: Path, name: str, rotation: float | None
) -> None:
    """The same frame of source and result, upright, at every moment; also where the result's times are rounded."""
    source = films.make(tmp_path / name, frames=9, rotation=rotation, size=subpixel.types.Size(64, 48))
    job = client.submit(source, scale=2, model="espcn", restore="clean", format="webm" if rotation is None else "same")
    wide, high = (48, 64) if rotation else (64, 48)
    assert (job.width, job.height, job.frames) == (wide, high, 9)
    done = client.wait(job)
    assert done.result is not None
    assert (done.result.width, done.result.height) == (2 * wide, 2 * high)
    drawn = list(films.drawn(9, subpixel.types.Size(64, 48)))
    turned = [np.rot90(frame, 1 if rotation else 0).astype(float) for frame in drawn]

    def shown(of: str, index: int, **part: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        answer = http.get(f"/v1/jobs/{job.id}/view", params={"of": of, "at": (index + 0.5) / 9, **part})
        assert answer.status_code == 200, answer.text
        return image.read(answer.content).pixels[0].astype(float)

    for index in (0, 1, 4, 8):
        before, after = shown("source", index), shown("result", index, width=wide)
        for one in (before, after):
            assert one.shape == (high, wide, 3)
            assert np.argmin([np.abs(one - other).mean() for other in turned]) == index
    assert np.abs(shown("difference", 4) - 128).mean() < 30
    assert http.get(f"/v1/jobs/{job.id}/view?at=0.5&seconds=1").status_code == 422
