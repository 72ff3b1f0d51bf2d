"""How much there is of each split and each stem, and how loud."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from auralflow.data.checks.findings import SplitStats, StemStats
from auralflow.data.checks.meter import SoundMeter, to_db
from auralflow.data.checks.song import MIXTURE
from auralflow.data.checks.whole_set import Examined
from auralflow.data.track import SPLITS


def sum_splits(examined: Sequence[Examined]) -> tuple[SplitStats, ...]:
    """Tracks and hours of each split that has any, as the files state them."""
    tracks = {split: [item.track for item in examined if item.split == split] for split in SPLITS}
    return tuple(
        SplitStats(split, len(found), sum(track.duration_s for track in found) / 3600)
        for split, found in tracks.items()
        if found
    )


def sum_stems(examined: Iterable[Examined]) -> tuple[StemStats, ...]:
    """Levels of each stem over all tracks, by name, the mixture last."""
    meters: dict[str, list[SoundMeter]] = defaultdict(list)
    for item in examined:
        for stem, meter in item.notes.meters.items():
            meters[stem].append(meter)
    names = sorted(meters, key=lambda stem: (stem == MIXTURE, stem))
    return tuple(_sum_stem(stem, meters[stem]) for stem in names)


def _sum_stem(stem: str, meters: Sequence[SoundMeter]) -> StemStats:
    seconds = sum(meter.duration_s for meter in meters)
    silent_s = sum(meter.duration_s * meter.n_silent / meter.n_frames for meter in meters)
    power = sum(meter.energy for meter in meters) / sum(meter.n_values for meter in meters)
    return StemStats(
        stem,
        n_tracks=len(meters),
        hours=seconds / 3600,
        silence_ratio=silent_s / seconds,
        peak_db=to_db(max(meter.peak for meter in meters)),
        rms_db=to_db(power**0.5),
    )
