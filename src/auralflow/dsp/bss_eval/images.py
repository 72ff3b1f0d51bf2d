"""The decomposition of estimates into image, filtering error, interference and artefacts."""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from auralflow.dsp.bss_eval.filters import correlate, solve
from auralflow.dsp.bss_eval.windows import cut, decibels, scored_frames, windowed_sdr
from auralflow.dsp.threads import spread

Waveforms = Float[Tensor, "stem channel time"]
Responses = Complex[Tensor, "signal source freq"]


def bss_eval(
    estimates: Float[Tensor, "stem channel time"],
    targets: Float[Tensor, "stem channel time"],
    *,
    window_samples: int,
    hop_samples: int,
    n_taps: int = 512,
    is_framewise: bool = False,
) -> dict[str, Float[Tensor, "stem frame"]]:
    """SDR, ISR, SIR and SAR of every stem in every window, in dB, float64.

    The definition is that of museval 0.4.1 (images, no permutation). The filters are fitted to the whole signals, or
    to each window when `is_framewise` (version 3). A window in which any target or estimate is silent is NaN for all
    stems. Equal signals score an infinite SDR; their other ratios are rounding noise, some 250 dB or more.

    Shape:
        `[stem, channel, time]` twice to `{"sdr": [stem, frame], "isr": ..., "sir": ..., "sar": ...}`.

    Raises:
        AudioError: a whole target or estimate is silent.

    Example:
        >>> targets = torch.randn(2, 1, 900, generator=torch.Generator().manual_seed(0))
        >>> scores = bss_eval(0.5 * targets, targets, window_samples=300, hop_samples=300, n_taps=8)
        >>> scores["sdr"].shape, round(scores["isr"][0, 0].item(), 2)
        (torch.Size([2, 3]), 6.02)
    """
    frames = list(cut(targets.shape[-1], window_samples, hop_samples))
    sdr = windowed_sdr(estimates, targets, window_samples=window_samples, hop_samples=hop_samples)
    is_scored = scored_frames(estimates, targets, frames)
    others = sdr.new_full((3, *sdr.shape), torch.nan)
    n_fft = _choose_fft(min(window_samples, targets.shape[-1]) + n_taps - 1)
    filters = None if is_framewise or not is_scored.any() else _Filters(estimates, targets, n_taps, n_fft)

    def score(index: int) -> Tensor:
        estimate, target = estimates[..., frames[index]], targets[..., frames[index]]
        fitted = filters or _Filters(estimate, target, n_taps, n_fft)
        return fitted.score(estimate, target)

    scored = is_scored.nonzero().flatten().tolist()
    for index, ratios in zip(scored, spread(score, scored), strict=True):
        others[..., index] = ratios
    return {"sdr": sdr, "isr": others[0], "sir": others[1], "sar": others[2]}


class _Filters:
    """Responses that carry true channels to estimated ones: from all stems, and from a stem's own channels."""

    def __init__(self, estimates: Waveforms, targets: Waveforms, n_taps: int, n_fft: int) -> None:
        sources, signals = targets.flatten(0, 1), estimates.flatten(0, 1)
        n_channels, self._n_fft = targets.shape[1], n_fft
        own, cross = correlate(sources, sources, signals, n_lags=n_taps).tensor_split([len(sources)], dim=1)
        self._from_all = self._respond(solve(own[None], cross[None])[0])
        stems = [slice(start, start + n_channels) for start in range(0, len(sources), n_channels)]
        within = (torch.stack([lags[stem, stem] for stem in stems]) for lags in (own, cross))
        self._from_own = [self._respond(filters) for filters in solve(*within)]

    def score(self, estimates: Waveforms, targets: Waveforms) -> Float[Tensor, "ratio stem"]:
        """ISR, SIR and SAR in one window, from energies of spectra (Parseval), tails of the filters included."""
        true, estimated = self._transform(targets), self._transform(estimates)
        explained = _carry(self._from_all, true.flatten(0, 1)).reshape(true.shape)
        image = torch.stack([_carry(response, stem) for response, stem in zip(self._from_own, true, strict=True)])
        signals = torch.stack([_energy(true), _energy(image), _energy(explained)])
        # In place, from the last to the first: new arrays of that size would cost more than the arithmetic.
        artefacts = _energy(estimated.sub_(explained))
        interference = _energy(explained.sub_(image))
        distortion = _energy(image.sub_(true))
        return decibels(signals, torch.stack([distortion, interference, artefacts]))

    def _respond(self, filters: Float[Tensor, "source tap signal"]) -> Responses:
        responses: Tensor = torch.fft.rfft(filters.permute(2, 0, 1).contiguous(), n=self._n_fft)
        return responses

    def _transform(self, waveforms: Waveforms) -> Complex[Tensor, "stem channel freq"]:
        spectra: Tensor = torch.fft.rfft(waveforms.double(), n=self._n_fft)
        return spectra


def _carry(responses: Responses, sources: Complex[Tensor, "source freq"]) -> Complex[Tensor, "signal freq"]:
    # One after the other they stay in the cache; the product of all at once would not.
    carried = responses[:, 0] * sources[0]
    for response, source in zip(responses.unbind(1)[1:], sources[1:], strict=True):
        carried.addcmul_(response, source)
    return carried


def _energy(spectra: Complex[Tensor, "stem channel freq"]) -> Float[Tensor, "stem"]:
    """Energy of real signals up to a common factor: all frequencies but the first and the last stand for two."""
    parts = torch.view_as_real(spectra)
    ends = parts[:, :, [0, -1]].square().sum((1, 2, 3))
    norm: Tensor = torch.linalg.vector_norm(parts.flatten(1), dim=1)
    return 2 * norm.square() - ends


def _choose_fft(n_samples: int) -> int:
    """The shortest even length with no prime factor above 5 that holds that many samples."""
    odd: list[int] = [3**threes * 5**fives for threes in range(5) for fives in range(6)]
    return min(factor << max(1, (-(-n_samples // factor) - 1).bit_length()) for factor in odd)
