"""Recurrent bottlenecks: reach along time, and a latent that is sampled in training only."""

from __future__ import annotations

import torch

from auralflow.models.blocks.recurrent import LSTMBottleneck, VariationalLSTMBottleneck


def _features() -> torch.Tensor:
    return torch.randn(2, 6, 3, 10, generator=torch.Generator().manual_seed(0))


def _plain() -> LSTMBottleneck:
    torch.manual_seed(0)
    return LSTMBottleneck(width=6, n_freqs=3, squeezed_width=2, n_hidden=4, n_layers=2)


def _variational() -> VariationalLSTMBottleneck:
    torch.manual_seed(0)
    return VariationalLSTMBottleneck(width=6, n_freqs=3, squeezed_width=2, n_latent=5, n_hidden=4, n_layers=1)


def test_every_frame_sees_the_frames_before_and_after_it() -> None:
    features = _features().requires_grad_()
    output = _plain()(features)
    assert output.shape == features.shape
    output[0, :, :, 5].square().sum().backward()
    seen = features.grad.abs().sum(dim=(1, 2))
    assert (seen[0] > 0).all()
    assert (seen[1] == 0).all()


def test_without_its_last_layer_it_passes_its_input_on() -> None:
    bottleneck = _plain()
    torch.nn.init.zeros_(bottleneck.expand.weight)
    torch.nn.init.zeros_(bottleneck.expand.bias)
    assert torch.equal(bottleneck(_features()), _features())


def test_latent_is_sampled_in_training_and_its_mean_in_eval() -> None:
    bottleneck = _variational()
    output, (mean, log_variance) = bottleneck.train()(_features())
    assert output.shape == _features().shape
    assert mean.shape == log_variance.shape == (2, 10, 5)
    assert not torch.equal(output, bottleneck(_features())[0])
    still, latent = bottleneck.eval()(_features())
    assert torch.equal(still, bottleneck(_features())[0])
    assert torch.equal(latent[0], mean)


def test_samples_have_the_stated_mean_and_variance() -> None:
    """What reaches the LSTM is caught on its way in, for many equal items."""
    bottleneck = _variational().train()
    caught: list[torch.Tensor] = []
    bottleneck.lstm.register_forward_pre_hook(lambda _, arguments: caught.append(arguments[0]))
    with torch.no_grad():
        _, (mean, log_variance) = bottleneck(_features()[:1].expand(4000, -1, -1, -1))
    torch.testing.assert_close(caught[0].mean(0), mean[0], rtol=0, atol=0.1)
    torch.testing.assert_close(caught[0].var(0), log_variance[0].exp(), rtol=0.15, atol=0)


def test_all_parameters_learn_through_the_sample() -> None:
    bottleneck = _variational().train()
    bottleneck(_features())[0].square().sum().backward()
    assert all((parameter.grad != 0).any() for parameter in bottleneck.parameters())
