"""The cache of keys and values, by hand from the models' published configurations, in 16 bits."""

import pytest

from whichgpu.predicting.memory import AttentionCache

MODELS = {
    # name: (cache, tokens, bytes a sequence)
    "gpt2-large: every head": (AttentionCache(layers=36, key_heads=20, head_size=64), 1024, 2 * 36 * 1280 * 1024 * 2),
    "llama-2-7b: every head": (AttentionCache(layers=32, key_heads=32, head_size=128), 4096, 2 * 2**30),
    "llama-3-8b: 8 of 32 heads": (AttentionCache(layers=32, key_heads=8, head_size=128), 8192, 2**30),
    "llama-2-70b: 8 of 64 heads": (AttentionCache(layers=80, key_heads=8, head_size=128), 4096, 1_342_177_280),
    "falcon-7b: one head": (AttentionCache(layers=32, key_heads=1, head_size=64), 2048, 16 * 2**20),
    "mistral-7b: window of 4096": (
        AttentionCache(layers=32, key_heads=8, head_size=128, window=4096, windowed_layers=32),
        32768,
        512 * 2**20,
    ),
    "gemma-2-9b: half its layers see 4096": (
        AttentionCache(layers=42, key_heads=8, head_size=256, window=4096, windowed_layers=21),
        8192,
        21 * (8192 + 4096) * 8192,
    ),
    "deepseek-v3: latent of 512 + 64": (
        AttentionCache(layers=61, key_heads=128, head_size=192, value_size=128, latent=576),
        4096,
        61 * 4096 * 576 * 2,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_cache_by_hand(name):
    cache, tokens, expected = MODELS[name]
    assert cache.bytes(batch_size=1, tokens=tokens, element_bytes=2.0) == expected
    assert cache.bytes(batch_size=3, tokens=tokens, element_bytes=1.0) == 1.5 * expected


def test_a_window_longer_than_the_text_changes_nothing():
    plain = AttentionCache(layers=4, key_heads=2, head_size=8)
    windowed = AttentionCache(layers=4, key_heads=2, head_size=8, window=100, windowed_layers=4)
    assert plain.bytes(batch_size=1, tokens=100, element_bytes=2.0) == windowed.bytes(
        batch_size=1, tokens=100, element_bytes=2.0
    )


def test_keys_and_values_of_different_size():
    cache = AttentionCache(layers=1, key_heads=2, head_size=192, value_size=128)
    assert cache.elements_a_token() == 2 * 320
