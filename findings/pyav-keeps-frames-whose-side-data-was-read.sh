#!/usr/bin/env bash
# PyAV 18.1.0: a frame whose `side_data` was read stays in memory until the garbage collector runs.
#
# A decoded frame holds megabytes, and Python frees it when the loop moves on: nothing else refers to it. Reading
# `frame.side_data` (the display matrix of a phone's film, say) stores the container on the frame, and the container refers
# to the frame. The collector counts objects and not bytes, so hundreds of frames can wait for it.
# Seen, with 50 frames and the collector off: 1 frame is alive after the loop as long as nobody asks, 51
# after `frame.side_data`, and 1 again with `SideDataContainer(frame)`, which reads the same data and is not stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check av==18.1.0
cat >"$folder/look.py" <<'PYTHON'
import gc
import io

import av
from av.sidedata.sidedata import SideDataContainer

FRAMES = 50


def film():
    made = io.BytesIO()
    with av.open(made, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    made.seek(0)
    return made


def alive():
    return sum(isinstance(each, av.VideoFrame) for each in gc.get_objects())


def left_by(read):
    gc.collect()
    gc.disable()
    with av.open(film()) as container:
        before = alive()
        for frame in container.decode(video=0):
            read(frame)
        del frame
        left = alive() - before
    gc.enable()
    return left


print("nothing read:", left_by(lambda frame: None))
print("frame.side_data:", left_by(lambda frame: frame.side_data))
print("SideDataContainer(frame):", left_by(SideDataContainer))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN' || { echo 'changed'; exit 1; }
nothing read: 1
frame.side_data: 51
SideDataContainer(frame): 1
SEEN
