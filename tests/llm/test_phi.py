"""The Phi model against the reference implementation in transformers, and its two attention paths."""

from __future__ import annotations

import pytest
import torch
from transformers import PhiConfig as ReferenceConfig
from transformers import PhiForCausalLM

from desktop.llm.phi import KeyValueCache, Phi, PhiConfig, attend, attend_fast, initialise

CONFIGS = (
    PhiConfig(97, 32, 64, 2, 4, 4, 64, partial_rotary_factor=0.5),
    PhiConfig(50, 40, 96, 3, 2, 2, 32, partial_rotary_factor=0.4, rope_theta=500.0),
    PhiConfig(64, 48, 40, 1, 6, 2, 48, partial_rotary_factor=1.0, layer_norm_eps=1e-3),
)
NEAR = {torch.float32: 2e-5, torch.bfloat16: 6e-2, torch.float16: 6e-3}


def reference(config: PhiConfig) -> PhiForCausalLM:
    return PhiForCausalLM(
        ReferenceConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=config.num_attention_heads,
            num_key_value_heads=config.num_key_value_heads,
            max_position_embeddings=config.max_position_embeddings,
            layer_norm_eps=config.layer_norm_eps,
            hidden_act="gelu_new",
            rope_parameters={
                "rope_type": "default",
                "rope_theta": config.rope_theta,
                "partial_rotary_factor": config.partial_rotary_factor,
            },
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
        )
    ).eval()


def pair(config: PhiConfig, dtype: torch.dtype) -> tuple[Phi, PhiForCausalLM]:
    """Our model and the reference with the same random weights, biases and norms included."""
    rng = torch.Generator().manual_seed(5)
    model = Phi(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=rng) * 0.2)
    other = reference(config)
    other.load_state_dict(model.state_dict(), strict=True)
    return model.to(dtype).eval(), other.to(dtype)


def some_ids(config: PhiConfig, tokens: int = 20) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randint(0, config.vocab_size, (2, tokens), generator=rng)


@pytest.mark.parametrize("dtype", list(NEAR), ids=str)
@pytest.mark.parametrize("config", CONFIGS, ids=["half", "phi-2-like", "grouped"])
@torch.no_grad()
def test_logits_equal_transformers(config: PhiConfig, dtype: torch.dtype) -> None:
    model, other = pair(config, dtype)
    ids = some_ids(config)
    expected = other(ids, output_attentions=True, output_hidden_states=True)
    fast, looked = model(ids), model(ids, look=True)
    near = NEAR[dtype] * float(expected.logits.float().abs().max())
    assert (fast.logits - expected.logits).abs().max() <= near
    assert (looked.logits - expected.logits).abs().max() <= near
    assert not fast.attentions
    for ours, theirs in zip(looked.attentions, expected.attentions, strict=True):
        assert (ours - theirs).abs().max() <= NEAR[dtype]
    assert len(looked.hidden) == config.num_hidden_layers + 1


@pytest.mark.parametrize("dtype", list(NEAR), ids=str)
@pytest.mark.parametrize("look", [False, True])
@torch.no_grad()
def test_token_by_token_with_cache_equals_all_at_once(dtype: torch.dtype, look: bool) -> None:
    config = CONFIGS[1]
    model, other = pair(config, dtype)
    ids = some_ids(config)
    whole = other(ids).logits
    cache = KeyValueCache(config, 20, batch=2, dtype=dtype)
    pieces = [model(ids[:, :7], cache, look=look).logits]
    pieces += [model(ids[:, i : i + 1], cache, look=look).logits for i in range(7, 20)]
    near = NEAR[dtype] * float(whole.float().abs().max())
    assert (torch.cat(pieces, dim=1) - whole).abs().max() <= near
    assert cache.length == 20
    cache.length = 12
    again = model(ids[:, 12:], cache, last_only=True).logits
    assert again.shape[1] == 1
    assert (again[:, 0] - whole[:, -1]).abs().max() <= near
    with pytest.raises(ValueError, match="do not fit"):
        model(ids[:, :1], cache)


def test_half_precision_does_not_overflow() -> None:
    """Queries and keys whose product exceeds what float16 can hold (transformers PR 28163)."""
    q = torch.full((1, 1, 3, 64), 60.0, dtype=torch.float16)
    assert not torch.isfinite((q * q).sum(-1, dtype=torch.float16)).all()
    output, weights = attend(q, q, torch.ones_like(q))
    assert torch.isfinite(output).all()
    assert torch.allclose(weights.sum(-1), torch.ones(1, 1, 3))


@pytest.mark.parametrize(("new", "all_"), [(9, 9), (1, 9), (4, 9)])
def test_fast_and_readable_attention_agree(new: int, all_: int) -> None:
    rng = torch.Generator().manual_seed(0)
    k, v = (torch.randn(2, 3, all_, 16, generator=rng) for _ in range(2))
    q = torch.randn(2, 3, new, 16, generator=rng)
    assert (attend(q, k, v)[0] - attend_fast(q, k, v)).abs().max() < 1e-6


@torch.no_grad()
def test_the_future_is_invisible() -> None:
    model, _ = pair(CONFIGS[0], torch.float32)
    ids = some_ids(CONFIGS[0])
    changed = ids.clone()
    changed[:, 10:] = (changed[:, 10:] + 1) % CONFIGS[0].vocab_size
    assert torch.equal(model(ids).logits[:, :10], model(changed).logits[:, :10])


@torch.no_grad()
def test_logit_lens_of_the_last_layer_is_the_output() -> None:
    model, _ = pair(CONFIGS[0], torch.float32)
    output = model(some_ids(CONFIGS[0]), look=True)
    assert torch.equal(model.read(output.hidden[-1]), output.logits)


@pytest.mark.parametrize("config", CONFIGS)
def test_parameter_count_and_names(config: PhiConfig) -> None:
    model = Phi(config)
    assert config.parameter_count == sum(p.numel() for p in model.parameters())
    assert set(model.state_dict()) == set(reference(config).state_dict())


def test_phi_2_has_its_published_size() -> None:
    config = PhiConfig(51200, 2560, 10240, 32, 32, 32, 2048, partial_rotary_factor=0.4)
    assert config.parameter_count == 2_779_683_840
    assert (config.head_dim, config.rotary_dim) == (80, 32)


def test_initialise_depends_on_the_generator_alone() -> None:
    one, two = Phi(CONFIGS[0]), Phi(CONFIGS[0])
    for model in (one, two):
        initialise(model, torch.Generator().manual_seed(3))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert float(one.lm_head.bias.detach().abs().max()) == 0.0
    assert float(one.lm_head.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
