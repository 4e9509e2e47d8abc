"""Transformers of text by the sizes of their papers and repositories: multiply-adds of one sequence."""

from __future__ import annotations

from tests.contract.counts.images import encoder_block
from tests.contract.counts.ledger import Tally, attention, conv, dense, layer, norm, weights

# -- encoders ---------------------------------------------------------------------------------------------------------


def bert(*, layers: int, width: int, tokens: int, words: int = 30_522, places: int = 512, kinds: int = 2) -> Tally:
    """Devlin 2018: tables of words, places and kinds, layers of four times the width, a pooler and two labels."""
    tables = weights((words + places + kinds) * width) + norm(width)
    body = layers * encoder_block(tokens, width, 4 * width)
    return tables + body + dense(width, width) + dense(width, 2)


def bert_squad(tokens: int = 384) -> Tally:
    """BERT-large on SQuAD as NVIDIA trained it: 30 528 words, scores kept, start and end of every token."""
    width = 1024
    tables = weights((30_528 + 512 + 2) * width) + norm(width)
    return tables + 24 * encoder_block(tokens, width, 4 * width, fused=False) + dense(width, 2, rows=tokens)


def bert_base_frozen() -> Tally:
    """The mean of a frozen encoder's last states under a layer of two labels."""
    tables = weights((30_522 + 512 + 2) * 768) + norm(768)
    return (tables + 12 * encoder_block(128, 768, 3072)).frozen() + dense(768, 2, first=True)


def distilbert_base() -> Tally:
    """Sanh 2019: six of BERT's layers, no kinds, a layer before the two labels."""
    tables = weights((30_522 + 512) * 768) + norm(768)
    return tables + 6 * encoder_block(128, 768, 3072) + dense(768, 768) + dense(768, 2)


def albert_base() -> Tally:
    """Lan 2019: words of 128 numbers, twelve layers that share their weights."""
    tables = weights((30_000 + 512 + 2) * 128) + norm(128) + dense(128, 768, rows=128)
    block = encoder_block(128, 768, 3072)
    return tables + block + 11 * block.again() + dense(768, 768) + dense(768, 2)


# -- decoders ---------------------------------------------------------------------------------------------------------


def gpt2() -> Tally:
    """Radford 2019 at 1 024 tokens: the head is the table of words."""
    tokens, width, words = 1024, 768, 50_257
    head = layer(tokens * width * words, 0)
    return weights((words + 1024) * width) + 12 * encoder_block(tokens, width, 4 * width) + norm(width) + head


def grouped(width: int, heads: int, shared: int, size: int, *, tokens: int, seen: int) -> Tally:
    """Attention without biases whose ``heads`` queries share ``shared`` keys and values of ``size`` each."""
    sides = dense(width, heads * size, rows=tokens, bias=False) + dense(heads * size, width, rows=tokens, bias=False)
    keys = 2 * dense(width, shared * size, rows=tokens, bias=False)
    return sides + keys + attention(tokens, seen, heads * size)


def gated(width: int, inner: int, *, rows: float) -> Tally:
    """Two layers up, their product, one layer down."""
    return 2 * dense(width, inner, rows=rows, bias=False) + dense(inner, width, rows=rows, bias=False)


def llama_3_8b(*, tokens: int = 2048, before: int = 0, heads: int = 0) -> Tally:
    """Dubey 2024: 32 layers of 4 096, 32 heads over 8 keys; ``before`` tokens are cached, ``heads`` have logits."""
    width, words = 4096, 128_256
    block = 2 * weights(width) + grouped(width, 32, 8, 128, tokens=tokens, seen=before + tokens)
    block += gated(width, 14_336, rows=tokens)
    head = dense(width, words, rows=heads or tokens, bias=False)
    return weights(words * width) + 32 * block + weights(width) + head


def mixtral_8x7b() -> Tally:
    """Jiang 2024: two of eight experts a token."""
    tokens, width = 2048, 4096
    block = 2 * weights(width) + grouped(width, 32, 8, 128, tokens=tokens, seen=tokens)
    block += dense(width, 8, rows=tokens, bias=False)
    block += gated(width, 14_336, rows=2 * tokens) + weights(7 * 3 * width * 14_336)
    return weights(32_000 * width) + 32 * block + weights(width) + dense(width, 32_000, rows=tokens, bias=False)


def qwen3_30b_a3b() -> Tally:
    """Yang 2025: eight of 128 experts of 768 a token, norms of every head's queries and keys."""
    tokens, width = 2048, 2048
    block = 2 * weights(width) + grouped(width, 32, 4, 128, tokens=tokens, seen=tokens) + weights(2 * 128)
    block += dense(width, 128, rows=tokens, bias=False)
    block += gated(width, 768, rows=8 * tokens) + weights(127 * 3 * width * 768)
    return weights(151_936 * width) + 48 * block + weights(width) + dense(width, 151_936, rows=tokens, bias=False)


# -- adapters ---------------------------------------------------------------------------------------------------------


def adapted(inputs: int, outputs: int, rows: int, rank: int, *, first: bool = False) -> Tally:
    """A frozen layer that passes gradients on, beside two narrow ones that train; of the first nothing is asked."""
    own = dense(inputs, outputs, rows=rows, bias=False)
    narrow = dense(inputs, rank, rows=rows, bias=False, first=first) + dense(rank, outputs, rows=rows, bias=False)
    return (own.frozen() if first else own.passing()) + narrow


def tiny_llama_lora(tokens: int = 512, rank: int = 32) -> Tally:
    """LitGPT's recipe: adapters of rank 32 beside every layer of TinyLlama, the embedding frozen below them."""
    width, words, kept = 2048, 32_000, Tally(parameters=2 * 2048)

    def block(first: bool) -> Tally:
        sides = adapted(width, width, tokens, rank, first=first) + adapted(width, width, tokens, rank)
        keys = 2 * adapted(width, 256, tokens, rank, first=first)
        inner = 2 * adapted(width, 5632, tokens, rank) + adapted(5632, width, tokens, rank)
        return kept + sides + keys + attention(tokens, tokens, width) + inner

    tables = Tally(parameters=words * width + width)
    return tables + block(True) + 21 * block(False) + adapted(width, words, tokens, rank)


def llama_3_8b_lora(tokens: int = 2048, rank: int = 16) -> Tally:
    """Adapters beside queries and values alone: the first layer's keys have no gradient at all."""
    width, words = 4096, 128_256

    def kept(inputs: int, outputs: int, *, first: bool = False) -> Tally:
        own = dense(inputs, outputs, rows=tokens, bias=False)
        return own.frozen() if first else own.passing()

    def block(first: bool) -> Tally:
        looks = adapted(width, width, tokens, rank, first=first) + adapted(width, 1024, tokens, rank, first=first)
        looks += kept(width, 1024, first=first) + kept(width, width) + attention(tokens, tokens, width)
        return looks + 2 * kept(width, 14_336) + kept(14_336, width) + Tally(parameters=2 * width)

    tables = Tally(parameters=words * width + width)
    return tables + block(True) + 31 * block(False) + kept(width, words)


# -- encoders with decoders -------------------------------------------------------------------------------------------


def t5_small(tokens: int = 128) -> Tally:
    """Raffel 2020: six and six layers of 512, no biases, places by 32 numbers a head, scores kept."""
    width, words = 512, 32_128
    looks = 4 * dense(width, width, rows=tokens, bias=False) + attention(tokens, tokens, width, fused=False)
    inner = dense(width, 2048, rows=tokens, bias=False) + dense(2048, width, rows=tokens, bias=False)
    encoder = looks + inner + weights(2 * width)
    decoder = 2 * looks + inner + weights(3 * width)
    tables = weights(words * width) + 2 * weights(32 * 8 + width)
    return tables + 6 * encoder + 6 * decoder + layer(tokens * width * words, 0)


def bart_base(tokens: int = 128) -> Tally:
    """Lewis 2019: six and six layers of 768, one table of words, 1 026 places each side."""
    width, words = 768, 50_265
    block = encoder_block(tokens, width, 4 * width)
    looks = norm(width) + 4 * dense(width, width, rows=tokens) + attention(tokens, tokens, width)
    tables = weights(words * width) + 2 * (weights(1026 * width) + norm(width))
    return tables + 6 * block + 6 * (block + looks) + layer(tokens * width * words, 0)


# -- state space ------------------------------------------------------------------------------------------------------


def mamba_130m(tokens: int = 2048) -> Tally:
    """Gu 2023: 24 blocks of 768 twice as wide inside, a filter of four taps, a scan of 16 states that is no product."""
    width, inner, states, rank, words = 768, 1536, 16, 48, 50_280
    block = weights(width) + dense(width, 2 * inner, rows=tokens, bias=False)
    # Padded by three on both sides: what stands beyond the end is computed, too.
    block += conv(inner, inner, 4, tokens + 3, groups=inner, bias=True)
    block += dense(inner, rank + 2 * states, rows=tokens, bias=False) + dense(rank, inner, rows=tokens)
    block += weights(inner * states + inner) + dense(inner, width, rows=tokens, bias=False)
    return weights(words * width) + 24 * block + weights(width) + layer(tokens * width * words, 0)
