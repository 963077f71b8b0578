"""Reads an exported log with the real tensorboard package and compares it with the run's own files, value by value.

    maple export RUN --to tensorboard DIR
    python3 Tests/Peers/tensorboard_peer.py RUN DIR
"""

import json
import struct
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def number(line, key):
    value = line.get(key)
    return {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}[line[key + "_is"]] if value is None else value


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def main():
    run, log = Path(sys.argv[1]), sys.argv[2]
    wanted = {}

    def put(tag, step, value):
        if value is not None:
            wanted.setdefault(tag, []).append((step, single(value)))

    for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
        for key, tag in [("loss", "loss"), ("accuracy", "accuracy"), ("lr", "learning_rate"), ("images_per_second", "images_per_second")]:
            put("train/" + tag, line["step"], number(line, key))
        for norm in line.get("norms", []):
            stem = f"norms/{norm['kind']}_{norm['depth']}_"
            for place, token in enumerate(norm["tokens"]):
                put(f"{stem}token_{place}", line["step"], token)
            put(stem + "gradient", line["step"], number(norm, "gradient"))
            put(stem + "moved", line["step"], number(norm, "moved"))
    evaluations, method = 0, json.loads((run / "summary.json").read_text())["method"]
    for line in map(json.loads, (run / "events.jsonl").read_text().splitlines()):
        # The zero-shot figures that a run is measured against are not its own.
        if line["event"] == "evaluated" and line["method"] == method:
            evaluations += 1
            for key in ("accuracy", "macro_f1", "loss"):
                put(f"eval/{line['classes']}_{key}", line["step"], number(line, key))

    events = EventAccumulator(log, size_guidance=dict(scalars=0, histograms=0, images=0, tensors=0))
    events.Reload()
    tags = events.Tags()
    found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags["scalars"]}
    same = lambda a, b: a[0] == b[0] and (a[1] == b[1] or (a[1] != a[1] and b[1] != b[1]))
    wrong = [tag for tag in wanted if len(found.get(tag, [])) != len(wanted[tag]) or not all(map(same, found[tag], wanted[tag]))]
    beyond = sorted(tag for tag in found if tag not in wanted)
    histograms = {tag: len(events.Histograms(tag)) for tag in tags["histograms"]}
    checkpoints = len(list((run / "checkpoints").glob("epoch-*.safetensors")))
    print(f"{sum(map(len, wanted.values()))} values of {len(wanted)} scalar tags compared bit for bit, {evaluations} evaluations; wrong: {wrong or 'none'}")
    print(f"scalars beyond those: {beyond or 'none'}")
    print(f"histograms: {len(histograms)} tags, {set(histograms.values()) or 'none'} steps each ({checkpoints} checkpoints are kept)")
    print(f"images: {len(tags['images'])} tags; plugins: {sorted(set(events.summary_metadata[t].plugin_data.plugin_name for t in events.summary_metadata))}")
    sys.exit(1 if wrong or not wanted else 0)


if __name__ == "__main__":
    main()
